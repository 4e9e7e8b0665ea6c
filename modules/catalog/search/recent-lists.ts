import { createHash } from 'node:crypto'
import type { Clock } from '#kernel/clock.ts'
import type { Database } from '#platform/postgres/database.ts'
import { eventView } from '../events/event-view.ts'
import { type EventSearch, listEvents } from './list-events.ts'

export type EventListAnswer = {
  body: Buffer
  etag: string
  /** Seconds for which it may be kept. */
  maxAge: number
}

const keptMs = 1000
const keptMax = 500
const maxAgeSeconds = 30

/**
 * Lists as they are sent. When everybody opens the front page in the same second, one of them asks the database; the others
 * share the answer, for a second, or less if a sale begins before.
 */
export class RecentLists {
  readonly #db: Database
  readonly #clock: Clock
  readonly #lists = new Map<string, { answer: Promise<EventListAnswer>; until: number }>()

  constructor({ db, clock }: { db: Database; clock: Clock }) {
    this.#db = db
    this.#clock = clock
  }

  get(search: EventSearch): Promise<EventListAnswer> {
    const key = JSON.stringify(search)
    const known = this.#lists.get(key)
    if (known && known.until > this.#clock.monotonic()) return known.answer
    if (this.#lists.size >= keptMax) this.#lists.clear()
    const until = this.#clock.monotonic() + keptMs
    const answer = this.#ask(search).then(({ untilChange, ...list }) => {
      const change = this.#clock.monotonic() + (untilChange ?? keptMs)
      if (change < until) this.#lists.set(key, { answer, until: change })
      return list
    })
    this.#lists.set(key, { answer, until })
    answer.catch(() => this.#lists.delete(key)) // the caller hears of it; the next one asks again
    return answer
  }

  /** For those who changed an event themselves. */
  forget(): void {
    this.#lists.clear()
  }

  async #ask(search: EventSearch): Promise<EventListAnswer & { untilChange: number | null }> {
    const { items, nextCursor, untilChange } = await listEvents(this.#db, search)
    const views = items.map(({ event, status }) => eventView(event, status))
    const body = Buffer.from(JSON.stringify({ items: views, next_cursor: nextCursor }))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
    const maxAge = Math.min(maxAgeSeconds, Math.floor((untilChange ?? Number.POSITIVE_INFINITY) / 1000))
    return { body, etag, maxAge, untilChange }
  }
}
