import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import pg from 'pg'
import type { Database, Queryable, Tx } from '#platform/postgres/database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { type Consumer, type ConsumerDeps, consumerJob } from '../consumer.ts'
import { type Message, messageId } from '../message.ts'
import { messageMetrics } from '../metrics.ts'
import { type Expansion, postgresLog } from '../postgres-log.ts'

/** Things that change: the least that messages can be about. A row of two parts becomes two messages. */
export const things: Expansion<{
  event_no: number
  subject: string
  revision: number
  occurred_at: number
  parts: number
}> = {
  makes: { ThingChanged: ['ThingChanged', 'PartChanged'] },
  columns: ['o.event_no', 'o.subject', 'o.revision', 'o.occurred_at', `(o.data ->> 'parts')::int4 as parts`],
  async expand(_, rows) {
    return rows.flatMap(row =>
      Array.from({ length: 1 + row.parts }, (_, part): Message => {
        const type = part === 0 ? 'ThingChanged' : 'PartChanged'
        return {
          specversion: '1.0',
          id: messageId(row.subject, row.revision, type, part),
          source: '/things',
          type,
          subject: row.subject,
          time: new Date(row.occurred_at).toISOString(),
          datacontenttype: 'application/json',
          partitionkey: String(row.event_no),
          revision: row.revision,
          data: {},
        }
      }),
    )
  },
}

export function newThing(): string {
  return randomUUID()
}

export async function change(
  db: { query(text: string, values: unknown[]): Promise<unknown> },
  thing: string,
  revision: number,
  options: { key?: number; parts?: number } = {},
): Promise<void> {
  await db.query(
    `insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, data)
     values (holdfast.clock(), $1, 'ThingChanged', $2, $3, jsonb_build_object('parts', $4::int4))`,
    [options.key ?? 1, thing, revision, options.parts ?? 0],
  )
}

/** A consumer whose effect is a row a message in `effects`, in the order of handling; `before` may interfere. */
export function effectsConsumer(
  name: string,
  before: (messages: readonly Message[], tx: Tx) => Promise<void> = async () => {},
): Consumer {
  return {
    name,
    types: ['ThingChanged', 'PartChanged'],
    from: 'beginning',
    async handle(tx, messages) {
      await before(messages, tx)
      for (const message of messages) {
        await tx.query('insert into effects (consumer, message_id) values ($1, $2)', [name, message.id])
      }
    },
  }
}

export const effectsTable = `
  create table effects (n int8 generated always as identity, consumer text not null, message_id text not null)`

export async function effectsOf(db: Queryable, consumer: string): Promise<string[]> {
  const { rows } = await db.query<{ message_id: string }>(
    'select message_id from effects where consumer = $1 order by n',
    [consumer],
  )
  return rows.map(row => row.message_id)
}

export function depsFor(db: Database, overrides: Partial<ConsumerDeps> = {}): ConsumerDeps {
  const quiet = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
  return {
    db,
    log: postgresLog({ db, expansions: [things] }),
    processId: randomUUID(),
    metrics: messageMetrics(createMetrics({ processMetrics: false })),
    logger: quiet as never,
    ...overrides,
  }
}

/** Turns of the job until it is dry, then its end; fails when a turn does. */
export async function drain(consumer: Consumer, deps: ConsumerDeps): Promise<void> {
  const job = consumerJob(consumer, deps)
  try {
    while ((await turn(consumer, deps)) === 'more') await setImmediate()
  } finally {
    await job.stop?.()
  }
}

/** One turn of the job, which keeps its lease. */
export function turn(consumer: Consumer, deps: ConsumerDeps): Promise<'more' | 'dry'> {
  return consumerJob(consumer, deps).run(new AbortController().signal)
}

/** An open transaction on a connection of its own. */
export async function openTransaction(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  return client
}
