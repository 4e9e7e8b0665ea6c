import { isPassing } from '#kernel/faults.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Database, Tx } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { findPlace, holdPlace, leavePlace, moveCursor, type Place, PlaceLost } from './consumer-place.ts'
import { enterInbox } from './inbox.ts'
import type { Message } from './message.ts'
import type { MessageLog } from './message-log.ts'
import type { MessageMetrics } from './metrics.ts'
import { dueParked, park, postpone, splitBehindParked, unpark } from './parked-messages.ts'
import type { Cursor } from './snapshot-cursor.ts'

/** Somebody who does something once for each message. */
export type Consumer = {
  /** Names its cursor and its inbox: lower case, never given to another. */
  name: string
  types: readonly string[]
  /** Where it begins when it is new. */
  from: 'beginning' | 'now'
  /**
   * The effect, inside `tx`: messages it has not handled yet, of one subject in the order of revisions. Nothing outside the
   * database, for the transaction may be undone and come again. Throws a RetryableFault when the world is to blame and all of
   * it should be tried again; anything else means that it cannot handle one of these messages.
   */
  handle(tx: Tx, messages: readonly Message[]): Promise<void>
}

export type ConsumerDeps = {
  db: Database
  log: MessageLog
  /** Of this process, new at each start. */
  processId: string
  metrics: MessageMetrics
  logger: Logger
  /** While it says so, messages wait: the sale needs the database more. */
  isOverloaded?: () => boolean
}

const pollMs = 250
/** A piece keeps the event loop for some milliseconds, in which nobody is answered. */
const changesAtOnce = 250
/** After a rush there is a backlog, and people still ask: it is not worth more than a third of the time. */
const rests = 2
const parkedAtOnce = 20

/**
 * Delivers messages to a consumer, as a periodic job. Each turn reads a piece of the log, and in ONE transaction moves the
 * cursor, enters the messages into the inbox and has them handled: a crash anywhere leaves all of it done or none. Any number
 * of processes may run it.
 */
export function consumerJob(consumer: Consumer, deps: ConsumerDeps): Job {
  const progress: Progress = { from: null }
  return {
    name: `consume-${consumer.name}`,
    everyMs: pollMs,
    rests,
    run: async () => {
      if (deps.isOverloaded?.() === true) return 'dry'
      try {
        return await deliverPiece(consumer, progress, deps)
      } catch (error) {
        progress.from = null
        if (error instanceof PlaceLost) return 'dry'
        throw error
      }
    },
    stop: () => leavePlace(deps.db, consumer.name, deps.processId),
  }
}

/**
 * Where this process has read to without meeting anything, since the place was moved last. Its cursor is written only every few
 * seconds when there is nothing to do; in a rush of what it does not want, each look would otherwise read all of those again.
 */
type Progress = { from: { place: Place; cursor: Cursor } | null }

async function deliverPiece(consumer: Consumer, progress: Progress, deps: ConsumerDeps): Promise<'more' | 'dry'> {
  const { db, log, processId } = deps
  const place = await findPlace(db, log, consumer, processId)
  if (place === null) return 'dry'
  if (place.isDue) await retryParked(consumer, deps)

  const before = progress.from?.place
  const isUnmoved = before?.moves === place.moves && before.cursor === place.cursor
  const from = isUnmoved ? progress.from!.cursor : place.cursor
  const { messages, cursor, caughtUp } = await log.read(from, { limit: changesAtOnce, types: consumer.types })
  if (messages.length === 0) progress.from = { place, cursor }
  if (messages.length > 0 || place.isDue || !caughtUp) {
    try {
      const settled = await db.transaction(async tx => {
        await moveCursor(tx, place, cursor, processId)
        return settle(tx, consumer, messages)
      })
      count(consumer, settled, deps)
    } catch (error) {
      if (messages.length === 0 || !isAboutMessages(error)) throw error
      const parked = await settleInHalves(consumer, place, messages, deps)
      deps.logger.error({ err: error, consumer: consumer.name, parked }, 'messages that cannot be handled were parked')
      await db.transaction(tx => moveCursor(tx, place, cursor, processId))
    }
  }
  return caughtUp ? 'dry' : 'more'
}

type Settled = { handled: number; repeated: number }

async function settle(tx: Tx, consumer: Consumer, messages: readonly Message[]): Promise<Settled> {
  if (messages.length === 0) return { handled: 0, repeated: 0 }
  const { ready, behind } = await splitBehindParked(tx, consumer.name, messages)
  if (behind.length > 0) await park(tx, consumer.name, behind, 'waits for an earlier message of its subject')
  const fresh = await enterInbox(tx, consumer.name, ready)
  if (fresh.length > 0) await consumer.handle(tx, fresh)
  return { handled: fresh.length, repeated: ready.length - fresh.length }
}

/**
 * Finds the messages that cannot be handled, and parks them; returns their ids. The cursor stays for now: what is handled on
 * the way is in the inbox, so a crash in between repeats nothing.
 */
async function settleInHalves(
  consumer: Consumer,
  place: Place,
  messages: readonly Message[],
  deps: ConsumerDeps,
): Promise<string[]> {
  const { db } = deps
  try {
    const settled = await db.transaction(async tx => {
      await holdPlace(tx, place)
      return settle(tx, consumer, messages)
    })
    count(consumer, settled, deps)
    return []
  } catch (error) {
    if (!isAboutMessages(error)) throw error
    if (messages.length > 1) {
      const middle = messages.length >> 1
      const before = await settleInHalves(consumer, place, messages.slice(0, middle), deps)
      return [...before, ...(await settleInHalves(consumer, place, messages.slice(middle), deps))]
    }
    await db.transaction(async tx => {
      await holdPlace(tx, place)
      await park(tx, consumer.name, messages, sentence(error))
    })
    deps.metrics.failures.inc({ consumer: consumer.name })
    return messages.map(message => message.id)
  }
}

/** Goes on as long as messages can be handled again: after a mended mistake there may be many. */
async function retryParked(consumer: Consumer, deps: ConsumerDeps): Promise<void> {
  const { db, metrics, logger } = deps
  for (let succeeded = true; succeeded; ) {
    succeeded = false
    for (const parked of await dueParked(db, consumer.name, parkedAtOnce)) {
      try {
        const settled = await db.transaction(async tx => {
          if (!(await unpark(tx, parked))) return { handled: 0, repeated: 0 }
          const fresh = await enterInbox(tx, consumer.name, [parked.message])
          if (fresh.length > 0) await consumer.handle(tx, fresh)
          return { handled: fresh.length, repeated: 1 - fresh.length }
        })
        count(consumer, settled, deps)
        succeeded = true
      } catch (error) {
        if (!isAboutMessages(error)) throw error
        metrics.failures.inc({ consumer: consumer.name })
        logger.error(
          { err: error, consumer: consumer.name, message_id: parked.message.id },
          'a parked message failed again',
        )
        await postpone(db, parked, sentence(error))
      }
    }
  }
}

function count(consumer: Consumer, { handled, repeated }: Settled, { metrics }: ConsumerDeps): void {
  metrics.handled.inc({ consumer: consumer.name }, handled)
  metrics.repeated.inc({ consumer: consumer.name }, repeated)
}

/** Not the world's fault and not another process': then one of the messages is to blame. */
function isAboutMessages(error: unknown): boolean {
  return !(isPassing(error) || error instanceof PlaceLost)
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
