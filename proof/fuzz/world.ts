import type { Person } from './cast.ts'
import type { Chance } from './chance.ts'

/** What earlier answers told of, by kind; `owner` null: everybody may know it. */
export type Thing = {
  id: string
  owner: Person | null
  etag?: string
  /** The text of its `access_url`. */
  access?: string
  /** Of an account: what its mail address begins with. Of a ticket: its reservation. */
  of?: string
}
export type Kind = 'venue' | 'map' | 'shop' | 'workshop' | 'draft' | 'reservation' | 'sale' | 'ticket' | 'account'

/** Kept of each kind; the first ones, which the setting brings, always stay. */
const keptMax = 400
const alwaysKept = 12

/** What there is to ask about, and whose it is. Secrets are known by whoever must not see them. */
export class World {
  readonly #things = new Map<Kind, Map<string, Thing>>()
  /** Text that only its owner, and who may see all, may be told. */
  readonly secrets = new Map<string, Person>()
  /** Sound requests that were answered with success, to be repeated under their key. */
  readonly repeatable: { operation: string; person: Person; path: string; key: string; body: string }[] = []
  /** What is asked soon, because an earlier answer makes it worth while. */
  readonly errands: { operation: string; person: Person; id: string; from: number }[] = []
  shopSeats: string[] = []

  add(kind: Kind, thing: Thing): Thing {
    const things = this.#things.get(kind) ?? new Map<string, Thing>()
    this.#things.set(kind, things)
    const known = things.get(thing.id)
    if (known !== undefined) return Object.assign(known, thing)
    things.set(thing.id, thing)
    if (things.size > keptMax) things.delete([...things.keys()][alwaysKept]!)
    return thing
  }

  all(kind: Kind): Thing[] {
    return [...(this.#things.get(kind)?.values() ?? [])]
  }

  find(kind: Kind, id: string): Thing | undefined {
    return this.#things.get(kind)?.get(id)
  }

  /** The newest of them most often: what is old has ended. */
  some(kind: Kind, chance: Chance, fits: (thing: Thing) => boolean = () => true): Thing | null {
    const things = this.all(kind).filter(fits)
    if (things.length === 0) return null
    return chance.is(0.6) ? chance.one(things.slice(-8)) : chance.one(things)
  }
}
