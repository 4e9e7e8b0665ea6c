import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type Database, openDatabase } from '#platform/postgres/database.ts'
import { onFreshDatabase } from '../fresh-database.ts'
import { printSchema } from '../print-schema.ts'
import { schemaOfMigrations } from '../schema-of-migrations.ts'

const schema = await schemaOfMigrations()

test('db/schema.sql is what the migrations make', async () => {
  const kept = await readFile(new URL('../../../db/schema.sql', import.meta.url), 'utf8')
  assert.ok(kept === schema, 'run `npm run schema` and look at the difference')
})

test('the printed schema makes the same schema again', async () => {
  await withSchema(async db => assert.equal(await db.transaction(printSchema), schema))
})

const changes = {
  'a column that may be empty now': 'alter table holdfast.venues alter column city drop not null',
  'another default': `alter table holdfast.seats alter column generation set default 1`,
  'a constraint that went': 'alter table holdfast.areas drop constraint available_is_within_capacity',
  'an index that lost its condition':
    'drop index holdfast.pending_by_end; create index pending_by_end on holdfast.reservations (expires_at)',
  'a storage parameter': 'alter table holdfast.seats set (fillfactor = 100)',
  'another storage of a column': 'alter table holdfast.seatmaps alter column geometry set storage main',
  'another target for the statistics of a column':
    'alter table holdfast.seats alter column held_until set statistics 7',
  'a value of an enum': `alter type holdfast.seat_status add value 'lost'`,
  'the body of a function':
    'create or replace function holdfast.clock() returns timestamptz language sql return pg_catalog.now()',
  'what may be lost in a crash': 'create unlogged table holdfast.a (b int4)',
  'a partition': `create table holdfast.outbox_later partition of holdfast.outbox for values from ('2100-01-01') to ('2100-01-02')`,
}

test('every change of the schema is a difference', () =>
  withSchema(async db => {
    for (const [change, statement] of Object.entries(changes))
      assert.notEqual(await printedAfter(db, statement), schema, change)
  }))

test('what cannot be printed is refused, not overlooked', () =>
  withSchema(async db => {
    for (const [kind, statement] of Object.entries(strangers))
      await assert.rejects(printedAfter(db, statement), {
        name: 'Bug',
        message: new RegExp(`knows how to print ${kind} `),
      })
  }))

const strangers = {
  view: 'create view holdfast.a as select 1 as b',
  trigger:
    'create trigger a before update on holdfast.seats for each row execute function pg_catalog.suppress_redundant_updates_trigger()',
  sequence: 'create sequence holdfast.a',
  type: 'create domain holdfast.a as text',
  policy: 'create policy a on holdfast.seats using (true)',
  'statistics object': 'create statistics holdfast.a on event_no, status from holdfast.seats',
}

function withSchema(work: (db: Database) => Promise<void>): Promise<void> {
  return onFreshDatabase(async url => {
    const db = openDatabase({ url, max: 1, name: 'schema' })
    try {
      await db.query(schema)
      await work(db)
    } finally {
      await db.close()
    }
  })
}

/** The statement is undone. */
async function printedAfter(db: Database, statement: string): Promise<string> {
  let printed = ''
  const undo = new Error('undo')
  await db
    .transaction(async tx => {
      await tx.query(statement)
      printed = await printSchema(tx)
      throw undo
    })
    .catch(error => {
      if (error !== undo) throw error
    })
  return printed
}
