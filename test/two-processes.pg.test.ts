import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tally, wordOf } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { hold, installation, newKey } from './harness/installation.ts'

// One race of each kind, small. Their big sisters are in the slow tests beside this one, with the negative controls.

const box = await installation({ processes: 2 })
const [one, two] = box.servers.map(server => server.url) as [string, string]

test('two hundred buyers at two processes, twenty seats: twenty get one each', async () => {
  const { eventId } = await box.createEvent(one, {
    hall: { rows: 1, seatsPerRow: 20 },
    holdPolicy: { single_seat_rule: 'allow' },
  })
  const answers = await Promise.all(
    numbers(200).map(n =>
      hold(box.anyUrl(), box.newGuest(), { event_id: eventId, seat_ids: [seatId(1, 1 + (n % 20))] }),
    ),
  )
  assert.deepEqual(tally(answers.map(wordOf)), { 201: 20, '409 seats-unavailable': 180 })
  await assertBooksBalance(box.database.db)
})

test('one key, eight times at once, two processes: one reservation', async () => {
  const { eventId } = await box.createEvent(one, { hall: { areas: { floor: 100 } } })
  const guest = box.newGuest()
  const key = newKey()
  const answers = await Promise.all(
    numbers(8).map(() =>
      hold(box.anyUrl(), guest, { event_id: eventId, areas: [{ area_id: 'floor', quantity: 2 }] }, { key }),
    ),
  )
  assert.deepEqual(tally(answers.map(wordOf)), { 201: 8 })
  assert.equal(new Set(answers.map(({ body }) => body.reservation_id)).size, 1)
  assert.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length, 7)
  await assertBooksBalance(box.database.db)
})

test('what one process frees, the other can hold within a second', async () => {
  const { eventId } = await box.createEvent(one, { hall: { rows: 1, seatsPerRow: 10 } })
  const wish = { event_id: eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] }
  const first = box.newGuest()
  const held = await hold(one, first, wish)
  assert.equal(held.status, 201)
  assert.equal(wordOf(await hold(two, box.newGuest(), wish)), '409 seats-unavailable')
  await hold(one, first, { ...wish, replaces: held.body.reservation_id, seat_ids: [seatId(1, 9), seatId(1, 10)] })
  const freedAt = performance.now()
  const second = box.newGuest()
  while ((await hold(two, second, wish)).status !== 201) assert.ok(performance.now() - freedAt < 1000)
  await assertBooksBalance(box.database.db)
})
