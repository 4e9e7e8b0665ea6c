import { isAttributeName } from './attributes.ts'
import { limits } from './draft.ts'
import { type Findings, isObject, type PlanObject, quoted, readObject } from './plan-reader.ts'

export interface AreaExtra {
  areaId: string | null
  name: string | null
  capacity: number
  category: string | null
  /** For problems that are found later. */
  object: PlanObject
  categoryMember: 'category' | 'price_level'
}

/**
 * What the open format has no place for stands in one sibling object `holdfast`, so that the plan stays readable for other
 * programs: `{seats: {<seat_guid>: {attributes}}, areas: {<index>: {area_id, name, capacity, price_level}}}`. The flat form
 * without `seats` and `areas` is read too; an entry with a capacity then speaks of an area.
 */
export class PlanExtras {
  readonly #findings: Findings
  readonly #seats = new Map<string, Entry>()
  readonly #areas = new Map<string, Entry>()
  readonly #flat = new Map<string, Entry>()

  constructor(value: unknown, findings: Findings) {
    this.#findings = findings
    if (value === undefined || value === null) return
    for (const [name, member] of entriesOf(value, 'holdfast', findings)) {
      if (name === 'seats') this.#collect(this.#seats, member, 'holdfast.seats')
      else if (name === 'areas') this.#collect(this.#areas, member, 'holdfast.areas')
      else this.#flat.set(name, { value: member, path: `holdfast.${name}`, used: false })
    }
  }

  /** The attributes said of a seat. */
  attributesOfSeat(guid: string): readonly string[] {
    const entry = this.#seats.get(guid) ?? this.#flatEntry(guid, 'seat')
    if (!entry) return none
    entry.used = true
    const extra = readObject(entry.value, entry.path, seatMembers, this.#findings)
    const attributes = extra?.has('attributes') ? extra.array('attributes') : null
    if (!attributes) return none
    const wrong = attributes.findIndex(name => !isAttributeName(name))
    if (wrong === -1) return attributes as readonly string[]
    extra?.problem(`attributes[${wrong}]`, 'must be a name in lower case such as "restricted-view"')
    return none
  }

  /** What is said of an area, found by its running index or by `zone.area`. Null: it has no capacity and is scenery. */
  area(index: number, zoneAndArea: string): AreaExtra | null {
    for (const key of [String(index), zoneAndArea]) {
      const entry = this.#areas.get(key) ?? this.#flatEntry(key, 'area')
      if (!entry) continue
      entry.used = true
      const extra = readObject(entry.value, entry.path, areaMembers, this.#findings)
      return extra?.has('capacity') ? readArea(extra) : null
    }
    return null
  }

  /** Extras are our own words: one that speaks of nothing in the plan is a slip of the pen, not another program's. */
  reportUnused(): void {
    for (const [what, entries] of [
      ['seat', this.#seats],
      ['area', this.#areas],
      ['seat or area', this.#flat],
    ] as const) {
      for (const [key, { path, used }] of entries) {
        if (!used) this.#findings.problems.add({ path }, `there is no ${what} ${quoted(key)} in the plan`)
      }
    }
  }

  /** In the flat form a seat's guid and an area's index may look alike; what is said tells them apart. */
  #flatEntry(key: string, kind: 'seat' | 'area'): Entry | undefined {
    const entry = this.#flat.get(key)
    if (!entry || !isObject(entry.value)) return entry
    return Object.hasOwn(entry.value, kind === 'seat' ? 'capacity' : 'attributes') ? undefined : entry
  }

  #collect(into: Map<string, Entry>, value: unknown, path: string): void {
    for (const [key, member] of entriesOf(value, path, this.#findings)) {
      into.set(key, { value: member, path: `${path}.${key}`, used: false })
    }
  }
}

function entriesOf(value: unknown, path: string, findings: Findings): [string, unknown][] {
  if (isObject(value)) return Object.entries(value)
  findings.problems.add({ path }, 'must be an object')
  return []
}

function readArea(extra: PlanObject): AreaExtra {
  const categoryMember = extra.has('price_level') ? 'price_level' : 'category'
  return {
    areaId: extra.has('area_id') ? extra.label('area_id', limits.seatIdCharacters) : null,
    name: extra.has('name') ? extra.label('name', limits.nameCharacters) : null,
    capacity: extra.count('capacity', limits.capacityPerArea) ?? 0,
    category: extra.label(categoryMember, limits.nameCharacters),
    object: extra,
    categoryMember,
  }
}

interface Entry {
  value: unknown
  path: string
  used: boolean
}

const none: readonly string[] = []
const seatMembers: ReadonlySet<string> = new Set(['attributes'])
const areaMembers: ReadonlySet<string> = new Set(['area_id', 'name', 'capacity', 'price_level', 'category'])
