import type { FastifyReply } from 'fastify'
import type { Figures } from '#contracts/reports.ts'
import type { Clock } from '#kernel/clock.ts'
import { RetryableFault } from '#kernel/faults.ts'
import type { EventId } from '#kernel/ids.ts'
import { type EventStream, eventFrame, heartbeat, openEventStream } from '#platform/http/event-stream.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

const lookMs = 1000
const heartbeatMs = 15_000

/**
 * Figures for staff who watch a sale. One reader an event, whoever watches it; each change is told whole, so that there is
 * nothing to resume.
 */
export class FigureStreams {
  readonly #read: (eventId: EventId) => Promise<Figures | null>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #watchers = new Map<EventId, Set<EventStream>>()
  readonly #closing = new AbortController()

  constructor(deps: { read: (eventId: EventId) => Promise<Figures | null>; clock: Clock; logger: Logger }) {
    this.#read = deps.read
    this.#clock = deps.clock
    this.#logger = deps.logger
  }

  open(reply: FastifyReply, eventId: EventId, figures: Figures): void {
    const known = this.#watchers.get(eventId)
    const watchers = known ?? new Set()
    const stream = openEventStream(reply, () => watchers.delete(stream))
    watchers.add(stream)
    stream.write(frame(figures))
    if (known !== undefined) return
    this.#watchers.set(eventId, watchers)
    this.#tellWhileWatched(eventId, watchers, figures)
      .catch(error => {
        this.#logger.error({ err: error, event_id: eventId }, 'live figures ended')
        for (const open of watchers) open.close()
      })
      .finally(() => this.#watchers.delete(eventId))
  }

  close(): void {
    this.#closing.abort()
    for (const watchers of this.#watchers.values()) for (const stream of watchers) stream.close()
  }

  async #tellWhileWatched(eventId: EventId, watchers: Set<EventStream>, first: Figures): Promise<void> {
    let told = unchanging(first)
    let wroteAt = this.#clock.monotonic()
    while (watchers.size > 0 && !this.#closing.signal.aborted) {
      await this.#clock.sleep(lookMs, this.#closing.signal).catch(() => {})
      const figures = await this.#look(eventId)
      const isNews = figures !== null && unchanging(figures) !== told
      if (!isNews && this.#clock.monotonic() - wroteAt < heartbeatMs) continue
      if (isNews) told = unchanging(figures)
      wroteAt = this.#clock.monotonic()
      const bytes = isNews ? frame(figures) : heartbeat
      for (const stream of watchers) if (!stream.isBehind) stream.write(bytes)
    }
  }

  /** Null when there is nothing to tell because the database is away: the next look will have it. */
  async #look(eventId: EventId): Promise<Figures | null> {
    try {
      return await this.#read(eventId)
    } catch (error) {
      if (error instanceof RetryableFault) return null
      throw error
    }
  }
}

function unchanging(figures: Figures): string {
  return JSON.stringify([figures.totals, figures.minutes])
}

function frame(figures: Figures): Buffer {
  return eventFrame({ id: figures.as_of, event: 'figures', data: figures })
}
