import type { Clock } from '#kernel/clock.ts'
import type { Message } from './message.ts'
import type { MessageLog } from './message-log.ts'
import { type Cursor, theBeginning } from './snapshot-cursor.ts'

const pollMs = 250
const changesAtOnce = 500

/**
 * Messages as they are committed, for somebody who looks on. Without `follow` it ends when everything committed before has
 * been told. A place of its own, kept nowhere: nothing is marked as handled.
 */
export async function* tailMessages(
  { log, clock }: { log: MessageLog; clock: Clock },
  options: { from: 'beginning' | 'now' | Cursor; follow: boolean; types?: readonly string[]; signal?: AbortSignal },
): AsyncGenerator<Message, void> {
  const { from, follow, types, signal } = options
  let cursor = from === 'beginning' ? theBeginning : from === 'now' ? await log.now() : from
  while (signal?.aborted !== true) {
    const read = await log.read(cursor, { limit: changesAtOnce, types })
    yield* read.messages
    cursor = read.cursor
    if (!read.caughtUp) continue
    if (!follow) return
    await clock.sleep(pollMs, signal).catch(() => {})
  }
}
