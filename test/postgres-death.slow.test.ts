import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ask } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { newKey } from './harness/installation.ts'
import {
  assertEverybodySeesTheirs,
  brokenPromises,
  express,
  type Load,
  promisesOf,
  startLoad,
  type Wish,
} from './harness/load.ts'
import { type OwnDatabase, ownDatabase } from './harness/own-database.ts'

// The server stays, its database is killed: first process and all others at once. Its supervisor brings it back.

type Box = OwnDatabase & { url: string; eventId: string; load(): Load; newWish(): Wish }

async function installationWithLoad(): Promise<Box> {
  const box = await ownDatabase()
  const { url } = await box.start()
  const { eventId } = await box.createEvent(url, {
    hall: { rows: 400, seatsPerRow: 100 },
    holdPolicy: { hold_seconds: 3600 },
  })
  let pairs = 0
  const placesOf = () => {
    const pair = pairs++
    const [row, first] = [1 + Math.floor(pair / 50), 1 + 2 * (pair % 50)]
    return { event_id: eventId, seat_ids: [seatId(row, first), seatId(row, first + 1)] }
  }
  const load = () => startLoad({ url, connections: 24, newGuest: box.newGuest, placesOf, insistent: true })
  const newWish = () => ({
    guest: box.newGuest(),
    key: newKey(),
    places: placesOf(),
    sentAt: performance.now(),
    told: [],
  })
  return { ...box, url, eventId, load, newWish }
}

const box = await installationWithLoad()

for (const round of numbers(2))
  test(`kill -9 of PostgreSQL under load, ${round}: writes wait or are told when to come back, go on within ten seconds, and nothing acknowledged is lost`, async () => {
    const buyers = box.load()
    while (buyers.granted() < 200) await wait(5)
    await box.killPostgres()
    const killedAt = performance.now()
    const grantedBefore = buyers.granted()
    const reading = readOn(box, () => performance.now() - killedAt < 12_000 && buyers.granted() < grantedBefore + 300)
    while (buyers.granted() < grantedBefore + 300) {
      assert.ok(performance.now() - killedAt < 30_000, 'the sale goes on')
      await wait(5)
    }
    const reads = await reading
    await buyers.stop()

    const told = buyers.wishes.flatMap(wish => wish.told.map(one => ({ ...one, wish })))
    const after = told.filter(({ at }) => at > killedAt)
    const yes = after.filter(({ kind, wish }) => kind === 'yes' && wish.sentAt > killedAt)
    const pauseMs = Math.min(...yes.map(({ at }) => at)) - killedAt
    const comeBack = after.filter(({ kind }) => kind === 'come back').length
    console.log(
      `sold again after ${(pauseMs / 1000).toFixed(1)} s, ${comeBack} told to come back, ${reads} reads meanwhile`,
    )
    assert.ok(pauseMs < 10_000, `${pauseMs} ms`)
    // The server was there all the time: it answered everybody, with yes or with 503 and Retry-After.
    assert.deepEqual(
      told.filter(({ kind }) => kind === 'broken'),
      [],
    )
    assert.ok(
      buyers.wishes.every(wish => wish.told.at(-1)!.kind === 'yes'),
      'who insisted was told yes in the end',
    )
    const promised = promisesOf(buyers.wishes)
    assert.deepEqual(await brokenPromises(box.db, promised), [])
    await assertEverybodySeesTheirs(box.url, promised)
    await assertBooksBalance(box.db)
  })

test('a database that hangs: nobody waits longer than eight seconds, and when it goes on so does the sale', async () => {
  const [one, other] = [box.newWish(), box.newWish()]
  await express(box.url, box.newWish()) // so that everything is warm
  const goOn = await box.freezePostgres()
  const askedAt = performance.now()
  const answers = Promise.all([one, other].map(wish => express(box.url, wish)))
  const reading = readOn(box, () => performance.now() - askedAt < 5000)
  try {
    assert.deepEqual(
      (await answers).map(({ kind }) => kind),
      ['come back', 'come back'],
    )
  } finally {
    goOn()
  }
  const waitedMs = performance.now() - askedAt
  assert.ok(waitedMs < 9500, `${waitedMs} ms`)
  await reading
  for (const wish of [one, other]) {
    while ((await express(box.url, wish)).kind !== 'yes') {
      assert.ok(performance.now() - askedAt < 30_000)
      await wait(100)
    }
  }
  assert.deepEqual(await brokenPromises(box.db, promisesOf([one, other])), [])
  await assertBooksBalance(box.db)
})

/** What needs no decision is answered from memory all the while; returns how often. */
async function readOn({ url, eventId }: Box, going: () => boolean): Promise<number> {
  const paths = ['', '/availability', '/seats?section=A', '/availability/snapshot'].map(
    tail => `/v1/events/${eventId}${tail}`,
  )
  let reads = 0
  while (going()) {
    for (const path of [...paths, '/healthz', '/v1/config'])
      assert.equal((await ask(url, { path })).status, 200, `${path} while the database is away`)
    reads++
    await wait(20)
  }
  return reads
}

test('where a commit does not wait for its log, acknowledged holds are lost, and this is noticed', async () => {
  const poor = await installationWithLoad()
  await poor.db.query('alter database holdfast set synchronous_commit = off')
  await poor.db.query(`alter system set wal_writer_delay = '10s'`)
  await poor.db.query('select pg_reload_conf()')
  // The settings of a database are for new connections.
  await poor.db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'holdfast%' and pid <> pg_backend_pid()`,
  )
  const buyers = poor.load()
  while (buyers.granted() < 300) await wait(5)
  await poor.killPostgres()
  const before = [...buyers.wishes].filter(({ told }) => told.some(({ kind }) => kind === 'yes'))
  const promised = promisesOf(before)
  await buyers.stop()
  const broken = await brokenPromises(poor.db, promised)
  console.log(`${broken.length} of ${promised.length} promises broken`)
  assert.ok(broken.length > 0)
})
