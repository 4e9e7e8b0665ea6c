import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { toUuid, type UserId } from '#kernel/ids.ts'
import { answerSwallower } from './harness/answer-swallower.ts'
import { type Answer, refusalOf, tally, wordOf } from './harness/ask.ts'
import { assertBooksBalance, brokenBooks } from './harness/books.ts'
import { commitCutter } from './harness/commit-cutter.ts'
import { numbers, seatId } from './harness/hall.ts'
import { type Guest, type HoldAnswer, hold, installation, newKey } from './harness/installation.ts'

// One key is one wish, however often it is said, wherever, and whatever was lost on the way there or back.

const box = await installation({ processes: 2 })
const { db, url: databaseUrl } = box.database
const [one, two] = box.servers.map(server => server.url) as [string, string]
/** A third process, whose way to the database can be cut. */
const cutter = await commitCutter(databaseUrl)
const wired = await box.start({ DATABASE_URL: cutter.url, DATABASE_DIRECT_URL: databaseUrl })

/** Of one wish: all say yes to the same reservation, and all but at most one say that they repeat it. */
function assertOneReservation(answers: HoldAnswer[], repeatedAtLeast = answers.length - 1): void {
  assert.deepEqual(tally(answers.map(wordOf)), { 201: answers.length })
  const bodies = new Set(answers.map(({ body }) => JSON.stringify({ ...body, server_time: '' })))
  assert.equal(bodies.size, 1, [...bodies].join('\n'))
  const repeated = answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length
  assert.ok(repeated >= repeatedAtLeast, `${repeated} of ${answers.length} are marked as repeated`)
}

async function reservationsOf({ userId }: Guest): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    'select count(*)::int as n from holdfast.reservations where user_id = $1',
    [toUuid(userId as UserId)],
  )
  return rows[0]!.n
}

const hall = { rows: 40, seatsPerRow: 10, areas: { floor: 200 } }
const wishes: Record<string, (row: number) => object> = {
  'two seats': row => ({ seat_ids: [seatId(row, 1), seatId(row, 2)] }),
  'places in an area': () => ({ areas: [{ area_id: 'floor', quantity: 2 }] }),
  'the best available': () => ({ best_available: { quantity: 2 } }),
  'seats and places': row => ({
    seat_ids: [seatId(row, 3), seatId(row, 4)],
    areas: [{ area_id: 'floor', quantity: 1 }],
  }),
}

for (const [what, wish] of Object.entries(wishes))
  test(`forty buyers ask for ${what}, each eight times at once over two processes: one reservation each`, async () => {
    const { eventId } = await box.createEvent(one, { hall })
    await Promise.all(
      numbers(40).map(async row => {
        const guest = box.newGuest()
        const key = newKey()
        const body = { event_id: eventId, ...wish(row) }
        const answers = await Promise.all(numbers(8).map(n => hold(n % 2 === 0 ? one : two, guest, body, { key })))
        assertOneReservation(answers)
        assert.equal(await reservationsOf(guest), 1)
      }),
    )
    await assertBooksBalance(db)
  })

test('one key with two bodies at two processes at once: only one of them is ever made, and some are told 422', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  await Promise.all(
    numbers(40).map(async row => {
      const guest = box.newGuest()
      const key = newKey()
      const answers = await Promise.all(
        numbers(8).map(n => {
          const seat_ids = n <= 4 ? [seatId(row, 1), seatId(row, 2)] : [seatId(row, 3), seatId(row, 4)]
          return hold(n % 2 === 0 ? one : two, guest, { event_id: eventId, seat_ids }, { key })
        }),
      )
      // A copy may find the other body under way that loses in the end: it is told 422, as it would be a moment later.
      const { 201: made = 0, '422 idempotency-key-reused': told = 0 } = tally(answers.map(wordOf))
      assert.ok(made > 0 && told >= 4 && made + told === 8, JSON.stringify(tally(answers.map(wordOf))))
      assertOneReservation(answers.filter(({ status }) => status === 201))
      assert.equal(await reservationsOf(guest), 1)
    }),
  )
  await assertBooksBalance(db)
})

test('an answer that is lost on its way to the buyer is had again, at either process', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  const agent = new Agent({ keepAlive: false })
  for (const [n, url] of [one, two].entries()) {
    const wire = await answerSwallower(url)
    const guest = box.newGuest()
    const key = newKey()
    const body = { event_id: eventId, seat_ids: [seatId(n + 1, 1), seatId(n + 1, 2)] }
    await assert.rejects(hold(wire.url, guest, body, { key, agent }))
    assert.equal(wire.swallowed(), 1)
    const answers = [await hold(one, guest, body, { key }), await hold(two, guest, body, { key })]
    assertOneReservation(answers, 2)
    assert.equal(await reservationsOf(guest), 1)
  }
})

test('a connection that breaks before, or after, the commit of a batch: the batch finds out and the buyers notice nothing', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  for (const when of ['before', 'after'] as const) {
    const guest = box.newGuest()
    const key = newKey()
    const row = when === 'before' ? 1 : 2
    const body = { event_id: eventId, seat_ids: [seatId(row, 1), seatId(row, 2)] }
    const cutsBefore = cutter.cuts()
    cutter.cut(when, 1)
    const answer = await hold(wired.url, guest, body, { key })
    assert.equal(wordOf(answer), '201')
    assert.equal(cutter.cuts() - cutsBefore, 1, 'the fault was injected')
    assertOneReservation([answer, await hold(one, guest, body, { key }), await hold(wired.url, guest, body, { key })])
    assert.equal(await reservationsOf(guest), 1)
  }
  const { rows } = await db.query<{ generation: number }>('select generation from holdfast.seats where generation > 1')
  assert.deepEqual(
    rows.filter(({ generation }) => generation > 2),
    [],
    'no seat was moved a second time',
  )
  await assertBooksBalance(db)
})

test('eight times at once over two processes whose connections break again and again: one reservation each', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  const cutsBefore = cutter.cuts()
  cutter.cut('after', 12)
  await Promise.all(
    numbers(40).map(async row => {
      const guest = box.newGuest()
      const key = newKey()
      const body = { event_id: eventId, seat_ids: [seatId(row, 5), seatId(row, 6)] }
      const answers = await Promise.all(numbers(8).map(n => hold(n % 2 === 0 ? wired.url : two, guest, body, { key })))
      assertOneReservation(answers, 6) // at both processes one may have been first
      assert.equal(await reservationsOf(guest), 1)
    }),
  )
  assert.equal(cutter.cuts() - cutsBefore, 12, 'the fault was injected')
  await assertBooksBalance(db)
})

test('while the outcome cannot be learned the buyer is told 503; asked again, the hold that was made is found', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  const guest = box.newGuest()
  const key = newKey()
  const body = { event_id: eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] }
  const cutsBefore = cutter.cuts()
  cutter.cut('after', Number.POSITIVE_INFINITY)
  const unknown = await hold(wired.url, guest, body, { key })
  assert.equal(refusalOf(unknown as Answer), 'unavailable')
  assert.ok(cutter.cuts() - cutsBefore > 2, 'it was tried again and again')
  cutter.cut('after', 0)
  assertOneReservation([await hold(wired.url, guest, body, { key }), await hold(two, guest, body, { key })], 2)
  assert.equal(await reservationsOf(guest), 1)
  await assertBooksBalance(db)
})

test('a server that dies between the commit and its answer has made the hold: another one answers with it', async () => {
  const { eventId } = await box.createEvent(one, { hall })
  const guest = box.newGuest()
  const key = newKey()
  const body = { event_id: eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] }
  cutter.cut('after', Number.POSITIVE_INFINITY)
  const unanswered = hold(wired.url, guest, body, { key })
  const rejected = assert.rejects(unanswered)
  // Other commits of that server are cut as well: this one has been when it can be seen.
  while ((await reservationsOf(guest)) === 0) await wait(5)
  await wired.end('SIGKILL')
  await rejected
  assertOneReservation([await hold(one, guest, body, { key }), await hold(two, guest, body, { key })], 2)
  assert.equal(await reservationsOf(guest), 1)
})

test('without the unique keys, one key makes several reservations, and the books tell', async () => {
  const poor = await installation({ processes: 2 })
  await poor.database.db.query('alter table holdfast.reservations drop constraint a_key_makes_one_reservation')
  await poor.database.db.query('drop index holdfast.one_live_hold_per_user_and_event')
  const { eventId } = await poor.createEvent(poor.anyUrl(), { hall })
  const body = { event_id: eventId, areas: [{ area_id: 'floor', quantity: 1 }] }
  for (const { url } of poor.servers) await hold(url, poor.newGuest(), body)
  for (let round = 0; round < 50 && (await brokenBooks(poor.database.db)).length === 0; round++) {
    const guest = poor.newGuest()
    const key = newKey()
    await Promise.all(poor.servers.map(({ url }) => hold(url, guest, body, { key })))
  }
  assert.deepEqual(
    (await brokenBooks(poor.database.db)).map(sentence => sentence.replace(/: \d+ times/, '')),
    ['a user has two live holds in an event', 'a key made two reservations'],
  )
})
