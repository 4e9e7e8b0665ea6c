import { assert } from '#kernel/assert.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { earlierRevisions } from './earlier-revisions.ts'
import { inOrder, type Message } from './message.ts'
import type { MessageLog } from './message-log.ts'
import { cursorNow, readSince, type Source } from './snapshot-cursor.ts'

/**
 * How a module's rows in the outbox become messages. The outbox has one row a change, because the sale pays for each;
 * whoever reads it expands them.
 */
export type Expansion<Row extends object = never> = {
  /** For each type of row the types of message it becomes. */
  makes: Readonly<Record<string, readonly string[]>>
  /** Expressions over `o`, the outbox, that `expand` needs. */
  columns: readonly string[]
  /**
   * Must give equal messages for equal rows, whenever it is asked: it may look up only what never changes. Messages of types that
   * are not wanted may be left out.
   */
  expand(
    db: Queryable,
    rows: readonly (Row & { type: string; position: number })[],
    isWanted: (type: string) => boolean,
  ): Promise<Message[]>
}

type Change = { xid: string; position: number; type: string; subject: string | null; revision: number }

/** The log that PostgreSQL is. Rows of a type that no expansion knows are of no interest to anybody. */
export function postgresLog(options: { db: Queryable; expansions: readonly Expansion[] }): MessageLog {
  const { db, expansions } = options
  const source: Source = {
    label: 'messages',
    table: 'holdfast.outbox',
    columns: [...new Set(['o.type', 'o.subject', 'o.revision', ...expansions.flatMap(expansion => expansion.columns)])],
    where: 'o.type = any ($4::text[])',
  }
  const rowTypes = expansions.flatMap(expansion => Object.keys(expansion.makes))
  assert(new Set(rowTypes).size === rowTypes.length, 'one expansion knows how to expand a type of row')

  return {
    now: () => cursorNow(db),
    async read(cursor, { limit, types }) {
      const isWanted = (type: string) => types === undefined || types.includes(type)
      const wanted = expansions.flatMap(expansion =>
        Object.entries(expansion.makes).flatMap(([rowType, made]) => (made.some(isWanted) ? [rowType] : [])),
      )
      const read = await readSince<Change>(db, cursor, source, { limit, values: [wanted] })
      // Everything up to now is in the order of revisions once it is sorted; a piece of it may lack a predecessor.
      const earlier = read.caughtUp ? [] : await earlierRevisions(db, source, read.rows, [wanted])
      const messages: Message[] = []
      for (const expansion of expansions) {
        const rows = [...read.rows, ...earlier].filter(row => row.type in expansion.makes)
        if (rows.length > 0) messages.push(...(await expansion.expand(db, rows as never, isWanted)))
      }
      return {
        messages: inOrder(messages.filter(message => isWanted(message.type))),
        cursor: read.cursor,
        caughtUp: read.caughtUp,
      }
    },
  }
}
