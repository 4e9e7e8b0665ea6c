import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { isPassing, OutcomeUnknown } from '#kernel/faults.ts'
import { fromUuid } from '#kernel/ids.ts'
import { type Consumer, consumerJob } from '#platform/messages/consumer.ts'
import { setCursor } from '#platform/messages/consumer-place.ts'
import type { Message } from '#platform/messages/message.ts'
import { messageMetrics } from '#platform/messages/metrics.ts'
import { type Expansion, postgresLog } from '#platform/messages/postgres-log.ts'
import { theBeginning } from '#platform/messages/snapshot-cursor.ts'
import type { Database, Tx } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { saleFigures } from '../sale-figures.ts'

const { db } = await testDatabase()

/** Rows whose data is the message's. */
const plain: Expansion<{ id: string; event: string; revision: number; quantity: number; occurred_at: number }> = {
  makes: Object.fromEntries(saleFigures.types.map(type => [type, [type]])),
  columns: [
    'o.subject as id',
    'o.revision',
    'o.occurred_at',
    `o.data ->> 'event' as event`,
    `(o.data ->> 'quantity')::int4 as quantity`,
  ],
  expand: async (_, rows) =>
    rows.map(
      (row): Message => ({
        specversion: '1.0',
        id: `${row.id}.${row.revision}.${row.type}`,
        source: '/',
        type: row.type,
        subject: row.id,
        time: new Date(row.occurred_at).toISOString(),
        datacontenttype: 'application/json',
        partitionkey: row.event,
        revision: row.revision,
        data: { event_id: fromUuid('evt', row.event), quantity: row.quantity },
      }),
    ),
}
const deps = (database: Database) => ({
  db: database,
  log: postgresLog({ db, expansions: [plain] }),
  processId: randomUUID(),
  metrics: messageMetrics(createMetrics({ processMetrics: false })),
  logger: pino({ level: 'silent' }),
})

test('whatever happens to the processes on the way, every message is counted once', async () => {
  const happening = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('told' as const), holds: fc.integer({ min: 1, max: 4 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constantFrom(
          'turn' as const,
          'killed before the effect' as const,
          'killed after the effect' as const,
          'answer lost' as const,
          'two processes' as const,
          'sent back' as const,
        ),
      }),
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 15 }), async happenings => {
      const event = randomUUID()
      const expected = { holds: 0, places_held: 0, cancelled: 0, places_cancelled: 0 }
      for (const it of happenings) {
        if (it.what === 'told') {
          for (let i = 0; i < it.holds; i++) {
            const quantity = 1 + i
            const id = await tell(event, 'ReservationCreated', quantity)
            expected.holds++
            expected.places_held += quantity
            if (i % 2 === 1) continue
            await tell(event, 'ReservationCancelled', quantity, id)
            expected.cancelled++
            expected.places_cancelled += quantity
          }
        } else if (it.what === 'turn') await turn()
        else if (it.what === 'killed before the effect') await turn(killed('before')).catch(theWorldsFault)
        else if (it.what === 'killed after the effect') await turn(killed('after')).catch(theWorldsFault)
        else if (it.what === 'answer lost') await turn(saleFigures, answerLost).catch(theWorldsFault)
        else if (it.what === 'two processes') await Promise.all([turn(), turn()])
        else await setCursor(db, saleFigures.name, theBeginning)
      }
      await turn()
      const { rows } = await db.query<typeof expected>(
        `select coalesce(sum(holds), 0)::int4 as holds, coalesce(sum(places_held), 0)::int4 as places_held,
           coalesce(sum(cancelled), 0)::int4 as cancelled, coalesce(sum(places_cancelled), 0)::int4 as places_cancelled
         from holdfast.sale_figures where event_id = $1`,
        [event],
      )
      assert.deepEqual(rows[0], expected)
    }),
    { numRuns: 25 },
  )
})

test('without the inbox a consumer that is sent back counts twice', async () => {
  const event = randomUUID()
  await tell(event, 'ReservationCreated', 2)
  await turn()
  await db.query('delete from holdfast.inbox where consumer = $1', [saleFigures.name])
  await setCursor(db, saleFigures.name, theBeginning)
  await turn()
  const { rows } = await db.query('select holds, places_held from holdfast.sale_figures where event_id = $1', [event])
  assert.deepEqual(rows, [{ holds: 2, places_held: 4 }])
})

test('figures are of the minute in which it happened, not of when it was read', async () => {
  const event = randomUUID()
  await tell(event, 'ReservationCreated', 1, randomUUID(), '2026-11-22T10:00:59.999Z')
  await tell(event, 'ReservationCreated', 1, randomUUID(), '2026-11-22T10:01:00.000Z')
  await turn()
  const { rows } = await db.query<{ minute: number }>(
    'select minute from holdfast.sale_figures where event_id = $1 order by minute',
    [event],
  )
  assert.deepEqual(
    rows.map(row => new Date(row.minute).toISOString()),
    ['2026-11-22T10:00:00.000Z', '2026-11-22T10:01:00.000Z'],
  )
})

/** Turns until dry, without waiting for anybody's lease. */
async function turn(consumer: Consumer = saleFigures, database: Database = db): Promise<void> {
  await db.query(`update holdfast.message_cursors set leased_until = '-infinity'`)
  const job = consumerJob(consumer, deps(database))
  while ((await job.run(new AbortController().signal)) === 'more');
}

function killed(when: 'before' | 'after'): Consumer {
  const kill = (tx: Tx) => tx.query('select pg_terminate_backend(pg_backend_pid())')
  return {
    ...saleFigures,
    async handle(tx, messages) {
      if (when === 'before') await kill(tx)
      await saleFigures.handle(tx, messages)
      await kill(tx)
    },
  }
}

const answerLost: Database = {
  ...db,
  async transaction(work) {
    await db.transaction(work)
    throw new OutcomeUnknown('the connection was lost while committing')
  },
}

function theWorldsFault(error: unknown): void {
  assert(isPassing(error), String(error))
}

async function tell(
  event: string,
  type: (typeof saleFigures.types)[number],
  quantity: number,
  id: string = randomUUID(),
  at?: string,
): Promise<string> {
  await db.query(
    `insert into holdfast.outbox (occurred_at, event_no, type, subject, revision, data)
     values (coalesce($1, holdfast.clock()), 1, $2, $3, case $2 when 'ReservationCreated' then 1 else 2 end,
       jsonb_build_object('event', $4::text, 'quantity', $5::int4))`,
    [at ?? null, type, id, event, quantity],
  )
  return id
}
