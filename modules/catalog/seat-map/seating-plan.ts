import { type Draft, limits } from './draft.ts'
import { entryOf } from './entry.ts'
import { PlanExtras } from './plan-extras.ts'
import { Findings, type PlanObject, quoted, readObject } from './plan-reader.ts'
import { readShape } from './plan-shapes.ts'
import type { ProblemList } from './problems.ts'
import type { Category } from './seat-map.ts'
import type { Point } from './shape.ts'

/**
 * Reads the open seating-plan format (the schema that pretix publishes): zones hold rows hold seats, positions are relative
 * to the parent. What other programs add is passed over with a warning. Always returns a draft of what could be read, so
 * that the checks that follow add their findings to the same list; a draft with problems is never compiled.
 */
export function readSeatingPlan(value: unknown, problems: ProblemList, warnings: ProblemList): Draft {
  const draft: Draft = { name: '', size: null, seatRadius: null, categories: [], seats: [], areas: [], scenery: [] }
  const findings = new Findings(problems, warnings)
  const plan = readObject(value, '', members.plan, findings)
  if (!plan) return draft
  draft.name = plan.label('name', limits.nameCharacters) ?? ''
  draft.size = plan.has('size') ? plan.size('size') : null
  draft.categories = readCategories(plan)
  const extras = new PlanExtras((value as { holdfast?: unknown }).holdfast, findings)
  const walk = new Walk(draft, extras, warnings)
  for (const [no, zone] of plan.objects('zones', members.zone)) walk.zone(no, zone)
  draft.seatRadius = walk.usualRadius()
  extras.reportUnused()
  findings.warnOfForeignMembers()
  return draft
}

function readCategories(plan: PlanObject): Category[] {
  const categories: Category[] = []
  const names = new Set<string>()
  for (const [, category] of plan.objects('categories', members.category)) {
    const name = category.label('name', limits.nameCharacters)
    if (name === null) continue
    if (names.has(name)) category.problem('name', `there are two categories ${quoted(name)}`)
    names.add(name)
    categories.push({ name, color: category.color('color') ?? '#888888' })
  }
  return categories
}

/** One pass over the zones. What could not be read gets a stand-in (`?3`), so that later checks still see every seat. */
class Walk {
  readonly #draft: Draft
  readonly #extras: PlanExtras
  readonly #warnings: ProblemList
  readonly #categoryNo: ReadonlyMap<string, number>
  readonly #pathOfGuid = new Map<string, string>()
  /** Per section, the zone and the path in which a row label was first seen. */
  readonly #rowsOf = new Map<string, Map<string, { zone: number; path: string }>>()
  readonly #radii = new Map<number, number>()
  #areaCount = 0

  constructor(draft: Draft, extras: PlanExtras, warnings: ProblemList) {
    this.#draft = draft
    this.#extras = extras
    this.#warnings = warnings
    this.#categoryNo = new Map(draft.categories.map((category, no) => [category.name, no]))
  }

  zone(no: number, zone: PlanObject): void {
    const origin = zone.position('position') ?? center
    const rowCount = zone.array('rows')?.length ?? -1
    const areaCount = zone.has('areas') ? (zone.array('areas')?.length ?? -1) : 0
    if (rowCount === 0 && areaCount === 0) zone.problem('', 'the zone has neither rows nor areas')
    if (rowCount > 0) {
      const section = this.#section(zone) ?? `?${no}`
      for (const [r, row] of zone.objects('rows', members.row)) this.#row(row, { zone: no, section, origin, no: r })
    }
    if (areaCount > 0) {
      for (const [a, area] of zone.objects('areas', members.area)) this.#area(area, `${no}.${a}`, origin)
    }
  }

  usualRadius(): number | null {
    return [...this.#radii].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null
  }

  #section(zone: PlanObject): string | null {
    if (!zone.has('name')) return zone.problem('name', 'a zone with seats needs a name: it becomes the section')
    const section = zone.label('name', limits.seatIdCharacters)
    if (section !== null && this.#rowsOf.has(section)) {
      const message = `there is an earlier zone ${quoted(section)}; both become one section`
      this.#warnings.add({ path: zone.pathOf('name') }, message)
    }
    return section
  }

  #row(row: PlanObject, at: { zone: number; section: string; origin: Point; no: number }): void {
    const label = row.label('row_number', limits.seatIdCharacters)
    if (label !== null) this.#noteRow(label, row, at)
    const offset = (row.has('position') && row.position('position')) || center
    const origin = { x: at.origin.x + offset.x, y: at.origin.y + offset.y }
    let seatCount = 0
    for (const [s, seat] of row.objects('seats', members.seat)) {
      this.#seat(seat, { section: at.section, row: label ?? `?${at.no}`, origin, no: s })
      seatCount++
    }
    if (seatCount === 0) row.problem('', 'the row has no seats')
  }

  /** Editors draw an aisle by splitting a row; the same label in another zone is far more likely a mistake. */
  #noteRow(label: string, row: PlanObject, { zone, section }: { zone: number; section: string }): void {
    const rows = entryOf(this.#rowsOf, section, () => new Map<string, { zone: number; path: string }>())
    const earlier = rows.get(label)
    if (!earlier) rows.set(label, { zone, path: row.path })
    else if (earlier.zone === zone) {
      const message = `continues row ${quoted(label)} of ${earlier.path}; both become one row`
      this.#warnings.add({ path: row.path }, message)
    } else row.problem('', `section ${quoted(section)} already has a row ${quoted(label)}: ${earlier.path}`)
  }

  #seat(seat: PlanObject, at: { section: string; row: string; origin: Point; no: number }): void {
    const guid = seat.text('seat_guid', 255)
    if (guid !== null) this.#noteGuid(guid, seat)
    const number = seat.label('seat_number', limits.seatIdCharacters)
    const position = seat.position('position')
    const category = this.#category(seat, 'category', seat.label('category', limits.nameCharacters))
    const radius = seat.has('radius') ? seat.length('radius') : null
    if (radius !== null) this.#radii.set(radius, (this.#radii.get(radius) ?? 0) + 1)
    const attributes = guid === null ? [] : this.#extras.attributesOfSeat(guid)
    if (!position) return
    this.#draft.seats.push({
      place: seat,
      section: at.section,
      row: at.row,
      number: number ?? `?${at.no}`,
      x: at.origin.x + position.x,
      y: at.origin.y + position.y,
      category,
      attributes,
    })
  }

  #noteGuid(guid: string, seat: PlanObject): void {
    const earlier = this.#pathOfGuid.get(guid)
    if (earlier === undefined) this.#pathOfGuid.set(guid, seat.path)
    else seat.problem('seat_guid', `${quoted(guid)} is already the seat_guid of ${earlier}`)
  }

  #category(of: PlanObject, member: string, name: string | null): number {
    if (name === null) return -1
    const no = this.#categoryNo.get(name)
    if (no === undefined) of.problem(member, `there is no category ${quoted(name)}`)
    return no ?? -1
  }

  #area(area: PlanObject, key: string, origin: Point): void {
    const index = this.#areaCount++
    const shape = readShape(area, origin)
    const extra = this.#extras.area(index, key)
    if (!extra) {
      if (shape) this.#draft.scenery.push(shape)
      else if (!area.has('shape')) this.#warnings.add({ path: area.path }, 'has no shape and is not drawn')
      return
    }
    const caption = shape?.text?.text.trim().slice(0, limits.seatIdCharacters)
    const name = extra.name ?? (caption || `Area ${index}`)
    const areaId = extra.areaId ?? name
    if (areaId.length > limits.seatIdCharacters) {
      extra.object.problem('area_id', `is missing, and the name is longer than ${limits.seatIdCharacters} characters`)
    }
    const category = this.#category(extra.object, extra.categoryMember, extra.category)
    this.#draft.areas.push({ place: area, areaId, name, capacity: extra.capacity, category, shape })
  }
}

const center: Point = { x: 0, y: 0 }

/** What the published schema knows, in its current and earlier versions, and `holdfast`. */
const members = {
  plan: new Set(['name', 'size', 'categories', 'zones', 'holdfast']),
  category: new Set(['name', 'color']),
  zone: new Set(['name', 'zone_id', 'uuid', 'displayed', 'position', 'rows', 'areas']),
  row: new Set([
    ...['row_number', 'row_label', 'seat_label', 'uuid', 'seats', 'row_number_position', 'position'],
    ...['number_of_seats', 'seats_spacing'],
  ]),
  seat: new Set(['seat_guid', 'seat_number', 'uuid', 'start_direction', 'radius', 'position', 'category']),
  area: new Set([
    ...['shape', 'color', 'border_color', 'rotation', 'position', 'uuid', 'width', 'height'],
    ...['rectangle', 'circle', 'ellipse', 'polygon', 'text'],
  ]),
} as const
