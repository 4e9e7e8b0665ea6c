import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createMemoryDatabase } from '#platform/memory/database.ts'
import { type MemoryStatements, statementDatabase } from '#platform/memory/statements.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { type Consumer, consumerJob } from '../consumer.ts'
import { messageStatements, parkedMessages } from '../memory/index.ts'
import type { Message } from '../message.ts'
import type { MessageLog } from '../message-log.ts'
import { parseSnapshot } from '../snapshot.ts'
import type { Cursor } from '../snapshot-cursor.ts'
import { depsFor } from './things.ts'

const { db, advance } = await testDatabase()

type Side = {
  db: Database
  advance(ms: number): unknown
  parked(): Promise<{ message_id: string; attempts: number }[]>
}

type Command =
  | { kind: 'tell'; subject: number }
  | { kind: 'deliver'; process: number; limit: number }
  | { kind: 'stumble'; over: number | null }
  | { kind: 'advance'; ms: number }

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('tell' as const), subject: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('deliver' as const),
        process: fc.nat(1),
        limit: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('stumble' as const), over: fc.option(fc.nat(3)) }),
    },
    // Far from the ends of leases and waits, so that the milliseconds in which PostgreSQL works decide nothing.
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(3300, 13_300, 43_300) }),
    },
  ),
  { minLength: 40, maxLength: 40 },
)

/** Two processes follow one log for one consumer, which stumbles over some subject now and then; what it has done, in its order. */
async function carryOut(side: Side, log: readonly Command[]): Promise<unknown[]> {
  const told: Message[] = []
  const handled: string[] = []
  let stumbles: number | null = null
  const consumer: Consumer = {
    name: `twin-${randomUUID()}`,
    types: ['Told'],
    from: 'beginning',
    async handle(_, messages) {
      if (messages.some(message => message.subject === String(stumbles))) throw new Error('stumbled')
      handled.push(...messages.map(message => message.id))
    },
  }
  let limit = 1
  const source: MessageLog = {
    now: async () => '1:1:' as Cursor,
    async read(cursor) {
      const read = Number(parseSnapshot(cursor).xmax) - 1
      const messages = told.slice(read, read + limit)
      const next = 1 + read + messages.length
      return { messages, cursor: `${next}:${next}:` as Cursor, caughtUp: next > told.length }
    },
  }
  const jobs = [1, 2].map(() => consumerJob(consumer, depsFor(side.db, { log: source, processId: randomUUID() })))
  const pictures: unknown[] = []
  for (const command of log) {
    if (command.kind === 'tell') told.push(message(told.length + 1, String(command.subject)))
    else if (command.kind === 'stumble') stumbles = command.over
    else if (command.kind === 'advance') await side.advance(command.ms)
    else {
      limit = command.limit
      await jobs[command.process]!.run(new AbortController().signal)
    }
    pictures.push({ command, handled: [...handled], parked: await side.parked() })
  }
  return pictures
}

function message(revision: number, subject: string): Message {
  return {
    specversion: '1.0',
    id: `m${revision}`,
    source: '/twin',
    type: 'Told',
    subject,
    time: new Date(Date.UTC(2026, 10, 22) + revision).toISOString(),
    datacontenttype: 'application/json',
    partitionkey: 'twin',
    revision,
    data: {},
  }
}

const postgres: Side = {
  db,
  advance,
  async parked() {
    const { rows } = await db.query<{ message_id: string; attempts: number }>(
      'select message_id, attempts from holdfast.parked_messages order by place',
    )
    return rows
  },
}

function memory(statements: MemoryStatements): Side {
  const clock = manualClock()
  const database = createMemoryDatabase({ clock })
  return {
    db: statementDatabase(database.connect('consumers'), statements),
    advance: ms => clock.advance(ms),
    parked: async () =>
      database
        .rows(parkedMessages)
        .sort((a, b) => a.place - b.place)
        .map(row => ({ message_id: row.messageId, attempts: row.attempts })),
  }
}

async function agree(statements: MemoryStatements, sequences: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(commands, async log => {
      await db.query('truncate holdfast.parked_messages, holdfast.inbox')
      assert.deepEqual(await carryOut(memory(statements), log), await carryOut(postgres, log))
    }),
    { numRuns: sequences, endOnFailure: true, seed: Number(process.env.HOLDFAST_TEST_SEED ?? 20261121) },
  )
}

test('consumers do on the twin what they do on PostgreSQL', () => agree(messageStatements, 15))

test('a twin that differs is found out: one that parks what waits behind nothing', async () => {
  await assert.rejects(agree({ ...messageStatements, parked_subjects_1: async () => [] }, 30), /Property failed/)
})
