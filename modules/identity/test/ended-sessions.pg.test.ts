import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { type ManualClock, manualClock } from '#kernel/test/manual-clock.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { insertUser, setRole } from '../accounts/users.ts'
import { followEndedSessions } from '../tokens/ended-sessions.ts'

const database = await testDatabase()
const random = systemRandom()
const logger = pino({ level: 'silent' })

function follow(clock: ManualClock, db: Database = database.db) {
  return followEndedSessions({ db, clock, logger, tokenSeconds: 600 })
}

/** Moves the clock by one look and waits until that look has happened. */
async function nextLook(clock: ManualClock, db: { looks: number }): Promise<void> {
  const before = db.looks
  clock.advance(2000)
  while (db.looks === before) await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
}

/** The database, or a cut line to it. */
function countedDatabase() {
  const counted = { looks: 0, cut: false }
  const query: Database['query'] = async (text, values) => {
    try {
      if (counted.cut) throw new Error('cut')
      return await database.db.query(text, values)
    } finally {
      counted.looks++
    }
  }
  return Object.assign(counted, { db: { ...database.db, query } as Database })
}

async function newUser() {
  const userId = newId('usr', { clock: manualClock(), random })
  await insertUser(database.db, { userId, email: `${userId}@example.org`, name: 'A', role: 'door', passwordHash: 'x' })
  return userId
}

test('what was ended before the start is known, what was never ended is not listed', async () => {
  const [ended, untouched] = [await newUser(), await newUser()]
  await setRole(database.db, ended, 'support')
  const sessions = follow(manualClock())
  await sessions.start()
  assert.equal(sessions.includes(ended, 1), true)
  assert.equal(sessions.includes(ended, 2), false)
  assert.equal(sessions.includes(untouched, 1), false)
  await sessions.stop()
})

test('what another process ends is known after the next look', async () => {
  const [clock, line, userId] = [manualClock(), countedDatabase(), await newUser()]
  const sessions = follow(clock, line.db)
  await sessions.start()
  await setRole(database.db, userId, 'support')
  assert.equal(sessions.includes(userId, 1), false)
  await nextLook(clock, line)
  assert.equal(sessions.includes(userId, 1), true)
  await sessions.stop()
})

test('it is stale before the first look and when the database has not answered for 5 s, and recovers', async () => {
  const [clock, line] = [manualClock(), countedDatabase()]
  const sessions = follow(clock, line.db)
  assert.equal(sessions.isStale(), true)
  await sessions.start()
  assert.equal(sessions.isStale(), false)
  line.cut = true
  for (let i = 0; i < 2; i++) await nextLook(clock, line)
  assert.equal(sessions.isStale(), false)
  await nextLook(clock, line)
  assert.equal(sessions.isStale(), true)
  line.cut = false
  await nextLook(clock, line)
  assert.equal(sessions.isStale(), false)
  await sessions.stop()
})

test('it forgets what no token in time can carry any more', async () => {
  const [clock, line, userId] = [manualClock(), countedDatabase(), await newUser()]
  await setRole(database.db, userId, 'support')
  const sessions = follow(clock, line.db)
  await sessions.start()
  await database.advance(901_000)
  clock.advance(900_000)
  await nextLook(clock, line)
  await nextLook(clock, line)
  assert.equal(sessions.includes(userId, 1), false)
  await sessions.stop()
})

test('the look reads an index, not the accounts of all fans', async () => {
  await database.db.query(
    `insert into holdfast.users (user_id, email, name, role, password_hash)
     select gen_random_uuid(), 'bulk-' || n, 'A', 'customer', 'x' from generate_series(1, 20000) n`,
  )
  await database.db.query('analyze holdfast.users')
  const { rows } = await database.db.query<{ 'QUERY PLAN': string }>(
    `explain select user_id, session_version from holdfast.users
      where sessions_changed_at > holdfast.clock() - 900 * interval '1 second'`,
  )
  assert.match(rows.map(row => row['QUERY PLAN']).join('\n'), /users_sessions_changed/)
})
