import type { FastifyReply } from 'fastify'
import type { Reservation } from '#contracts/reservations.ts'
import type { ReservationId } from '#kernel/ids.ts'
import { type EventStream, eventFrame, heartbeat, openEventStream } from '#platform/http/event-stream.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { revisionsOf } from './watch-reservations.sql.ts'

const heartbeatTurns = 30

type Watch = { eventNo: number; reservationId: ReservationId; revision: number; streams: Set<EventStream> }

/**
 * Streams for buyers who wait for their payment: the whole reservation, each time that it changes. One statement a turn asks for all
 * that are watched in this process.
 */
export class ReservationStreams {
  readonly #db: Queryable
  readonly #view: (eventNo: number, reservationId: ReservationId) => Promise<Reservation | null>
  readonly #watched = new Map<ReservationId, Watch>()
  #turns = 0

  constructor(deps: {
    db: Queryable
    view: (eventNo: number, reservationId: ReservationId) => Promise<Reservation | null>
  }) {
    this.#db = deps.db
    this.#view = deps.view
  }

  get size(): number {
    return this.#watched.size
  }

  /** Opens a stream whose first event is the reservation as it is. */
  async open(reply: FastifyReply, key: { eventNo: number; reservationId: ReservationId }): Promise<void> {
    const watch = this.#watched.get(key.reservationId) ?? { ...key, revision: -1, streams: new Set<EventStream>() }
    this.#watched.set(key.reservationId, watch)
    const stream = openEventStream(reply, () => {
      watch.streams.delete(stream)
      if (watch.streams.size === 0) this.#watched.delete(key.reservationId)
    })
    watch.streams.add(stream)
    const view = await this.#view(key.eventNo, key.reservationId)
    if (view !== null) stream.write(frameOf(view, watch.revision))
  }

  job(): Job {
    return {
      name: 'stream-reservations',
      everyMs: 500,
      run: async () => {
        this.#turns++
        if (this.#watched.size === 0) return 'dry'
        const revisions = await revisionsOf(this.#db, [...this.#watched.values()])
        for (const watch of this.#watched.values()) {
          const revision = revisions.get(watch.reservationId)
          if (revision === undefined || revision === watch.revision) continue
          watch.revision = revision
          const view = await this.#view(watch.eventNo, watch.reservationId)
          if (view === null) continue
          const frame = frameOf(view, revision)
          for (const stream of watch.streams) stream.write(frame)
        }
        if (this.#turns % heartbeatTurns === 0)
          for (const { streams } of this.#watched.values()) for (const stream of streams) stream.write(heartbeat)
        return 'dry'
      },
      stop: async () => this.close(),
    }
  }

  close(): void {
    for (const { streams } of this.#watched.values()) for (const stream of streams) stream.close()
  }
}

function frameOf(view: Reservation, revision: number): Buffer {
  return eventFrame({ id: String(revision), event: 'reservation', data: view })
}
