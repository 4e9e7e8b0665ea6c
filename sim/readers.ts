import { messages as messageTypes } from '#contracts/messages.ts'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import type { MailTransport } from '#notifications'
import type { MemoryStatements } from '#platform/memory/statements.ts'
import { defineTable } from '#platform/memory/table.ts'
import type { Consumer } from '#platform/messages/consumer.ts'
import type { MessageLog } from '#platform/messages/message-log.ts'
import type { Cursor } from '#platform/messages/snapshot-cursor.ts'
import type { Chance } from './chance.ts'
import type { Weather } from './weather.ts'

/** What the town crier has cried, in the order of crying. Nothing keeps them from crying twice: that is what is looked at. */
type CryRow = { position: number; id: string; subject: string; revision: number }
export const cries = defineTable<CryRow>({ name: 'cries', key: row => `${row.position}` })

export const crierStatements: MemoryStatements = {
  cry: (tx, [ids, subjects, revisions]: [string[], string[], number[]]) =>
    tx.insert(
      cries,
      ids.map((id, i) => ({ position: tx.next('cry'), id, subject: subjects[i]!, revision: revisions[i]! })),
    ),
}

/** A consumer of everything whose one effect is to be seen, and who now and then stumbles over a message. */
export function townCrier(deps: { chance: Chance; weather: () => Weather; reached: (what: string) => void }): Consumer {
  const { chance, weather, reached } = deps
  return {
    name: 'town-crier',
    types: Object.keys(messageTypes),
    from: 'beginning',
    async handle(tx, messages) {
      if (messages.some(() => chance.happens(weather().handlerStumbles))) {
        reached('a consumer stumbles')
        throw new Stumble('the town crier has lost their voice')
      }
      const values = [messages.map(m => m.id), messages.map(m => m.subject), messages.map(m => m.revision)]
      await tx.query({ label: 'cry', text: '', values })
    },
  }
}

/** Not the world's fault, as far as the product can tell. */
export class Stumble extends Error {}

/** A log that may be away, gives little at a time, and tells again what it told before. */
export function unreliableLog(
  log: MessageLog,
  deps: { chance: Chance; weather: () => Weather; reached: (what: string) => void },
): MessageLog {
  const { chance, weather, reached } = deps
  const told: Cursor[] = []
  return {
    now: () => log.now(),
    async read(cursor, options) {
      const { logAway, logRepeats, logPiece } = weather()
      if (chance.happens(logAway)) {
        reached('the log is away')
        throw new RetryableFault('the log is away')
      }
      const limit = Math.min(options.limit, logPiece)
      if (told.length > 0 && chance.happens(logRepeats)) {
        const again = await log.read(chance.any(told), { ...options, limit })
        const { messages, ...place } = await log.read(cursor, { ...options, limit })
        if (again.messages.length > 0) reached('the log tells something again')
        // What is told again comes in its order before what is told now, as by a server that lost an acknowledgement.
        return { ...place, messages: [...again.messages, ...messages] }
      }
      told.push(cursor)
      return log.read(cursor, { ...options, limit })
    },
  }
}

/** Counts what goes out. It takes its time, refuses now and then, and sometimes its yes is lost. */
export function post(deps: {
  chance: Chance
  weather: () => Weather
  delivered: (mailId: string) => void
  reached: (what: string) => void
  turn: (label: string) => Promise<void>
}): MailTransport {
  const { chance, weather, delivered, reached, turn } = deps
  return {
    name: 'post',
    async send({ mailId }) {
      await turn('a mail is handed over')
      if (chance.happens(weather().mailRefused)) {
        reached('a mail is refused')
        throw new RetryableFault('the mail server is away')
      }
      delivered(mailId)
      await turn('the mail server says yes')
      if (!chance.happens(weather().mailAnswerLost)) return
      reached('the answer to a mail is lost')
      throw new OutcomeUnknown('the mail server did not answer')
    },
  }
}
