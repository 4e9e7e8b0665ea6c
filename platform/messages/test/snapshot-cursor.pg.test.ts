import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { openDatabase, type Queryable } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import {
  type Cursor,
  CursorFromElsewhere,
  cursorNow,
  readSince,
  type Source,
  theBeginning,
} from '../snapshot-cursor.ts'

const pgdb = await testDatabase()
const log: Source = { label: 'log', table: 'log', columns: ['o.word'] }
await pgdb.db.query(`
  create table log (
    position int8 generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    word text not null
  );
  create index on log (xid, position)`)

test('a transaction that began earlier and commits later is read', async t => {
  const [early, late] = [await writer(t), await writer(t)]
  const start = await cursorNow(pgdb.db)
  await early.write('early')
  await late.write('late')
  await late.commit()

  const first = await read(start)
  assert.deepEqual(first.words, ['late'])
  assert.deepEqual((await read(first.cursor)).words, [], 'and what is still open is not waited for')
  await early.commit()
  const second = await read(first.cursor)
  assert.deepEqual(second.words, ['early'])
  assert.deepEqual((await read(second.cursor)).words, [])
})

// The negative control: what the snapshot is there for.
for (const column of ['position', 'xid'] as const) {
  test(`a cursor that remembers the highest ${column} loses the late commit`, async t => {
    const [early, late] = [await writer(t), await writer(t)]
    const start = await cursorNow(pgdb.db)
    const highest = await highestOf(column)
    await early.write('early')
    await late.write('late')
    await late.commit()
    assert.deepEqual(await readAbove(column, highest), ['late'])
    const seen = await highestOf(column)
    await early.commit()
    assert.deepEqual(await readAbove(column, seen), [])
    assert.deepEqual((await read(start)).words.sort(), ['early', 'late'])
  })
}

test('the cursor moves when there is nothing to read', async t => {
  const start = await cursorNow(pgdb.db)
  const elsewhere = await writer(t)
  await elsewhere.query('create table unrelated ()')
  await elsewhere.commit()
  const { cursor, caughtUp } = await read(start)
  assert.notEqual(cursor, start)
  assert(caughtUp)
})

test('what was rolled back is never read, also when only a savepoint was', async t => {
  const start = await cursorNow(pgdb.db)
  const [undone, kept] = [await writer(t), await writer(t)]
  await undone.write('undone')
  await kept.write('before')
  await kept.query('savepoint a')
  await kept.write('in a')
  await kept.query('rollback to savepoint a')
  await kept.query('savepoint b')
  await kept.write('in b')
  await kept.query('release savepoint b')
  const open = await read(start)
  assert.deepEqual(open.words, [])
  await undone.query('rollback')
  await kept.commit()
  assert.deepEqual((await read(open.cursor)).words, ['before', 'in b'])
})

test('a condition leaves rows out without holding the cursor back', async t => {
  const start = await cursorNow(pgdb.db)
  const writes = await writer(t)
  await writes.write('mine')
  await writes.write('yours')
  await writes.commit()
  const source: Source = { ...log, where: 'o.word is distinct from $4' }
  const { rows, cursor } = await readSince<{ word: string }>(pgdb.db, start, source, { limit: 10, values: ['mine'] })
  assert.deepEqual(
    rows.map(row => row.word),
    ['yours'],
  )
  assert.deepEqual((await read(cursor)).words, [])
})

test('a backlog is read in pieces of whole transactions', async t => {
  const start = await cursorNow(pgdb.db)
  for (const size of [3, 1, 5]) {
    const writes = await writer(t)
    for (let i = 0; i < size; i++) await writes.write(`${size}`)
    await writes.commit()
  }
  const first = await read(start, 2)
  assert.deepEqual(first.words, ['3', '3', '3'])
  assert(!first.caughtUp)
  const second = await read(first.cursor, 2)
  assert.deepEqual(second.words, ['1', '5', '5', '5', '5', '5'])
  const third = await read(second.cursor, 2)
  assert.deepEqual(third.words, [])
  assert(third.caughtUp)
})

test('whatever the order of writes, commits and reads, every committed row is read once', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), who: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'rollback' as const), who: fc.nat(3) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  )
  const clients = await Promise.all(Array.from({ length: 4 }, connect))
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        const pending: string[][] = clients.map(() => [])
        const committed: string[] = []
        const seen: string[] = []
        let cursor = await cursorNow(pgdb.db)
        let count = 0
        const end = async (who: number, how: 'commit' | 'rollback') => {
          if (pending[who]!.length === 0) return
          await clients[who]!.query(how)
          if (how === 'commit') committed.push(...pending[who]!)
          pending[who] = []
        }
        for (const at of steps) {
          if (at.do === 'write') {
            if (pending[at.who]!.length === 0) await clients[at.who]!.query('begin')
            const word = `${count++}`
            await clients[at.who]!.query('insert into log (word) values ($1)', [word])
            pending[at.who]!.push(word)
          } else if (at.do === 'read') {
            const next = await read(cursor, at.limit)
            seen.push(...next.words)
            cursor = next.cursor
          } else await end(at.who, at.do)
        }
        for (const who of clients.keys()) await end(who, 'commit')
        for (let caughtUp = false; !caughtUp; ) {
          const next = await read(cursor, 3)
          seen.push(...next.words)
          ;({ cursor, caughtUp } = next)
        }
        assert.deepEqual(seen.sort(), committed.sort())
      }),
      { numRuns: 60 },
    )
  } finally {
    for (const client of clients) await client.end()
  }
})

test('a cursor of a database that knew more is refused', async () => {
  await assert.rejects(read(`999999999:999999999:` as Cursor), CursorFromElsewhere)
})

test('reading in a transaction that has written is a bug, because its later rows could pass for read', async () => {
  await assert.rejects(
    pgdb.db.transaction(async tx => {
      await tx.query(`insert into log (word) values ('own')`)
      await read(theBeginning, 10, tx)
    }),
    /before the reader writes/,
  )
})

test('an open transaction of long ago does not make a poll read the rows since', async t => {
  const old = await writer(t)
  await old.write('old')
  const start = await cursorNow(pgdb.db)
  await pgdb.db.query(`do $$ begin
    for i in 1..20 loop insert into log (word) select 'since' from generate_series(1, 500); commit; end loop;
  end $$`)
  const { cursor } = await read(start, 20_000)
  await pgdb.db.query('analyze log')
  const counting = openDatabase({ url: pgdb.url, max: 1, name: 'counting' })
  try {
    await counting.query('select 1')
    const before = await rowsFetched(counting)
    await readSince(counting, cursor, log, { limit: 100 })
    assert((await rowsFetched(counting)) - before < 50)
  } finally {
    await counting.close()
  }
})

async function rowsFetched(db: Queryable): Promise<number> {
  await db.query('select pg_stat_force_next_flush()')
  const { rows } = await db.query<{ n: number }>(
    `select (idx_tup_fetch + seq_tup_read)::int8 as n from pg_stat_user_tables where relname = 'log'`,
  )
  return rows[0]!.n
}

async function read(cursor: Cursor, limit = 1000, db: Queryable = pgdb.db) {
  const { rows, ...rest } = await readSince<{ word: string }>(db, cursor, log, { limit })
  return { words: rows.map(row => row.word), ...rest }
}

async function highestOf(column: 'position' | 'xid'): Promise<string> {
  const { rows } = await pgdb.db.query<{ high: string }>(
    `select ${column}::text as high from log order by ${column} desc limit 1`,
  )
  return rows[0]?.high ?? '0'
}

async function readAbove(column: 'position' | 'xid', seen: string): Promise<string[]> {
  const type = column === 'xid' ? 'xid8' : 'int8'
  const { rows } = await pgdb.db.query<{ word: string }>(`select word from log where ${column} > $1::${type}`, [seen])
  return rows.map(row => row.word)
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: pgdb.url })
  await client.connect()
  return client
}

/** An open transaction on a connection of its own, rolled back when the test leaves it open. */
async function writer(t: { after: (fn: () => Promise<void>) => void }) {
  const client = await connect()
  t.after(() => client.end())
  await client.query('begin')
  return {
    write: (word: string) => client.query('insert into log (word) values ($1)', [word]),
    query: (text: string) => client.query(text),
    commit: () => client.query('commit'),
  }
}
