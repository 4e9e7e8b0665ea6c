import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Reservation } from '#contracts/reservations.ts'
import { fromUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { ask, refusalOf } from './ask.ts'
import { numbers } from './hall.ts'
import { type Guest, hold, newKey } from './installation.ts'

/** One buyer's wish for places that nobody else wants, and all that was ever said to it. */
export type Wish = { guest: Guest; key: string; places: object; sentAt: number; told: Told[] }
export type Told =
  | { kind: 'yes'; at: number; reservation: Reservation; replayed: boolean }
  | { kind: 'come back'; at: number }
  | { kind: 'broken'; at: number }

export type Load = {
  wishes: Wish[]
  /** How many wishes were told yes so far. */
  granted(): number
  /** From now on the buyers go there. */
  goTo(url: string): void
  /** No new wishes; waits for those under way. Whoever was not told yes keeps their wish. */
  stop(): Promise<void>
}

/**
 * Buyers who ask one after the other on some connections, each for places of their own, so that the right answer is always yes.
 * `insistent` ones ask again, with the same key, until they are told so; the others take a broken connection for an answer.
 */
export function startLoad(options: {
  url: string
  connections: number
  newGuest: () => Guest
  placesOf: (n: number) => object
  insistent?: boolean
}): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  const wishes: Wish[] = []
  let { url } = options
  let stopped = false
  let granted = 0

  const work = async () => {
    while (!stopped) {
      const wish: Wish = {
        guest: options.newGuest(),
        key: newKey(),
        places: options.placesOf(wishes.length),
        sentAt: performance.now(),
        told: [],
      }
      wishes.push(wish)
      do {
        const told = await express(url, wish, agent)
        if (told.kind === 'yes') granted++
        else await wait(told.kind === 'broken' ? 50 : 200)
      } while (options.insistent === true && wish.told.at(-1)!.kind !== 'yes')
    }
  }
  const working = Promise.all(numbers(options.connections).map(work))
  return {
    wishes,
    granted: () => granted,
    goTo: next => {
      url = next
    },
    async stop() {
      stopped = true
      await working
      agent.destroy()
    },
  }
}

/** Asks once. Fails if the answer is neither yes nor to come back later. */
export async function express(url: string, wish: Wish, agent?: Agent): Promise<Told> {
  const told = await hold(url, wish.guest, wish.places, { key: wish.key, ...(agent && { agent }) }).then(
    (answer): Told => {
      const at = performance.now()
      const replayed = answer.headers['idempotent-replayed'] === 'true'
      if (answer.status === 201) return { kind: 'yes', at, reservation: answer.body, replayed }
      // Nobody else wants these places.
      assert.equal(answer.status, 503, `${refusalOf(answer as never)}: ${JSON.stringify(answer.body)}`)
      refusalOf(answer as never) // with Retry-After
      return { kind: 'come back', at }
    },
    (error: NodeJS.ErrnoException): Told => {
      if (error instanceof assert.AssertionError) throw error
      return { kind: 'broken', at: performance.now() }
    },
  )
  wish.told.push(told)
  return told
}

export type Promised = { guest: Guest; reservation: Reservation }

/** What buyers were told they have. */
export function promisesOf(wishes: Wish[]): Promised[] {
  return wishes.flatMap(({ guest, told }) => {
    const yes = told.find(one => one.kind === 'yes')
    return yes === undefined ? [] : [{ guest, reservation: yes.reservation }]
  })
}

/** The reservations that were promised and are not in the record as they were promised, with all of their seats. */
export async function brokenPromises(db: Queryable, promised: Promised[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string; expires_at: number; seats: number; own: number }>(
    `select r.reservation_id as id, r.expires_at, cardinality(r.seat_nos) as seats, count(s.seat_no)::int as own
     from holdfast.reservations r
     left join holdfast.seats s
       on s.event_no = r.event_no and s.seat_no = any (r.seat_nos) and s.reservation_id = r.reservation_id
         and s.status = 'held' and s.held_until = r.expires_at
     where r.state = 'pending_payment'
     group by r.event_no, r.reservation_id`,
  )
  const kept = new Map(rows.map(row => [fromUuid('rsv', row.id) as string, row]))
  return promised.flatMap(({ reservation: { reservation_id, expires_at, items } }) => {
    const row = kept.get(reservation_id)
    if (row === undefined) return [`${reservation_id} is gone`]
    const isWhole = row.seats === items.length && row.own === items.length
    return isWhole && row.expires_at === Date.parse(expires_at) ? [] : [`${reservation_id} is not as it was promised`]
  })
}

/** Everybody looks at what they have, and sees what they were told. */
export async function assertEverybodySeesTheirs(url: string, promised: Promised[]): Promise<void> {
  const queue = promised.values()
  const look = async () => {
    for (const { guest, reservation } of queue) {
      const seen = await ask(url, { path: `/v1/reservations/${reservation.reservation_id}`, token: guest.token })
      assert.deepEqual({ ...seen.body, server_time: '' }, { ...reservation, server_time: '' })
    }
  }
  await Promise.all(numbers(32).map(look))
}
