import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '#kernel/ids.ts'
import type { HoldRequest } from '../ports.ts'
import { stateAt } from '../reservation.ts'
import { counterSource, extensionSeconds } from './commands.ts'
import { brokenRules } from './invariants.ts'
import { hold, makeRequest, tryHold } from './requests.ts'
import type { Stand } from './stand.ts'

/** What people rely on, a sentence each; both stores are asked. */
export function keepsItsPromises(makeStand: () => Promise<Stand>): void {
  const ids = counterSource()
  const request = (given: Omit<Parameters<typeof makeRequest>[1], 'eventNo'>): HoldRequest =>
    makeRequest(ids, { eventNo: 1, ...given })
  const opened = async () => {
    const stand = await makeStand()
    await stand.clear()
    await stand.addEvent({ eventNo: 1, seatCount: 10, areas: [4] })
    return stand
  }

  for (const careful of [false, true])
    test(`a hold is never given away before its end, and claimable right after, swept or not (${careful ? 'careful' : 'fast'})`, async () => {
      const stand = await opened()
      const first = request({ seats: [1, 2] })
      await hold(stand, [first])
      await stand.advance(599_999)
      assert.deepEqual(await tryHold(stand, [request({ seats: [2, 3] })], { careful }), [
        { kind: 'taken', seatNos: [2] },
      ])
      assert.equal(await stand.store.expireDue(10), 0)
      await stand.advance(1)
      const [second] = await tryHold(stand, [request({ seats: [2, 3] })], { careful })
      assert.equal(second!.kind, 'held')
      const found = await stand.store.find(1, first.reservationId)
      assert.equal(found!.reservation.state, 'pending_payment')
      assert.equal(stateAt(found!.reservation, found!.now), 'expired')
      assert.equal(await stand.store.expireDue(10), 1)
      assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
    })

  test('places of an area that ran out are found when the area runs short, swept or not', async () => {
    const stand = await opened()
    await hold(stand, [request({ areas: [{ areaNo: 0, quantity: 4 }] })])
    await stand.advance(599_999)
    const wanted = { areas: [{ areaNo: 0, quantity: 3 }] }
    assert.deepEqual(await tryHold(stand, [request(wanted)]), [{ kind: 'capacity', areaNo: 0, available: 0 }])
    await stand.advance(1)
    await hold(stand, [request(wanted)])
    assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
  })

  test('places go to whoever came first, whatever the order of the batch', async () => {
    const stand = await opened()
    const [a, b, c] = [3, 1, 2].map(arrival => request({ areas: [{ areaNo: 0, quantity: 2 }], arrival }))
    const outcomes = await tryHold(stand, [a!, b!, c!])
    assert.deepEqual(
      outcomes.map(outcome => outcome.kind),
      ['capacity', 'held', 'held'],
    )
  })

  test('one batch with the same ids, sent again, makes one reservation', async () => {
    const stand = await opened()
    const batch = [request({ seats: [1] }), request({ seats: [2], areas: [{ areaNo: 0, quantity: 1 }] })]
    await hold(stand, batch)
    assert.deepEqual(
      await tryHold(stand, batch),
      batch.map(({ reservationId }) => ({ kind: 'replayed', reservationId })),
    )
    assert.equal((await stand.tables()).reservations.length, 2)
  })

  test('a replay finds what was first answered, also after an extension', async () => {
    const stand = await opened()
    const first = request({ seats: [1] })
    const [held] = await tryHold(stand, [first])
    await stand.store.extend({ ...first, extensionSeconds })
    const found = await stand.store.find(1, first.reservationId)
    assert.ok(held!.kind === 'held')
    assert.deepEqual(found!.reservation.initial, { expiresAt: held!.expiresAt, extensionsLeft: 1 })
    assert.equal(found!.reservation.createdAt, held!.createdAt)
    assert.equal(found!.reservation.expiresAt, held!.expiresAt + 300_000)
  })

  test('a request that misses one seat leaves the others alone', async () => {
    const stand = await opened()
    await hold(stand, [request({ seats: [5] })])
    const before = await stand.tables()
    assert.deepEqual(await tryHold(stand, [request({ seats: [4, 5, 6] })]), [{ kind: 'taken', seatNos: [5] }])
    assert.deepEqual(await stand.tables(), before)
  })

  test('who replaces a hold keeps its end and the seats they want to keep', async () => {
    const stand = await opened()
    const userId = newId('usr', ids)
    const first = request({ userId, seats: [1, 2] })
    await hold(stand, [first])
    await stand.advance(60_000)
    const second = request({ userId, seats: [2, 3], keyHash: '3'.repeat(32), replaces: first.reservationId })
    const [outcome] = await tryHold(stand, [second])
    assert.ok(outcome!.kind === 'held')
    assert.equal(outcome!.expiresAt, stand.now() + 540_000)
    const { seats } = await stand.tables()
    assert.deepEqual(
      seats.map(seat => seat.reservationId),
      [null, null, ...[second, second].map(made => made.reservationId), ...Array(6).fill(null)],
    )
    assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
  })

  test('a hold that would replace another and is refused leaves the other as it was', async () => {
    const stand = await opened()
    const userId = newId('usr', ids)
    const first = request({ userId, seats: [1] })
    await hold(stand, [first, request({ seats: [2] })])
    const before = await stand.tables()
    const second = request({ userId, seats: [2], keyHash: '3'.repeat(32), replaces: first.reservationId })
    assert.deepEqual(await tryHold(stand, [second]), [{ kind: 'taken', seatNos: [2] }])
    assert.deepEqual(await stand.tables(), before)
  })

  test('cancelling twice frees once', async () => {
    const stand = await opened()
    const held = request({ seats: [1], areas: [{ areaNo: 0, quantity: 3 }] })
    await hold(stand, [held])
    const [first, second] = [await stand.store.cancel(held), await stand.store.cancel(held)]
    assert.ok(first.ok)
    assert.ok(!second.ok && second.code === 'already-cancelled')
    assert.equal((await stand.tables()).areas[0]!.available, 4)
  })

  test('staff do not take a seat from its holder, and take it once the hold has run out', async () => {
    const stand = await opened()
    await hold(stand, [request({ seats: [1] })])
    const block = { eventNo: 1, seatNos: [1, 2], change: { blocked: 'camera' } }
    assert.deepEqual(await stand.store.setAside(block), {
      changed: [{ seatNo: 2, generation: 1 }],
      refused: [{ seatNo: 1, status: 'held' }],
    })
    await stand.advance(600_000)
    assert.deepEqual(await stand.store.setAside(block), { changed: [{ seatNo: 1, generation: 2 }], refused: [] })
    assert.deepEqual(brokenRules(await stand.tables(), stand.now()), [])
  })

  test('a user’s reservations are listed newest first, page by page, over all events', async () => {
    const stand = await opened()
    await stand.addEvent({ eventNo: 2, seatCount: 2, areas: [] })
    const userId = newId('usr', ids)
    const made = [makeRequest(ids, { eventNo: 2, userId, seats: [0] }), request({ userId, seats: [0] })]
    await hold(stand, [made[1]!, made[0]!])
    await hold(stand, [request({ seats: [1] })])
    const newestFirst = made.map(({ reservationId }) => reservationId).sort((a, b) => (a < b ? 1 : -1))
    const pageOf = async (page: Parameters<Stand['store']['listOfUser']>[1]) =>
      (await stand.store.listOfUser(userId, page)).reservations.map(({ reservationId }) => reservationId)
    assert.deepEqual(await pageOf({ limit: 5 }), newestFirst)
    assert.deepEqual(await pageOf({ limit: 1 }), newestFirst.slice(0, 1))
    assert.deepEqual(await pageOf({ limit: 5, before: newestFirst[0]! }), newestFirst.slice(1))
    assert.deepEqual(await stand.store.listOfUser(newId('usr', ids), { limit: 5 }), {
      reservations: [],
      now: stand.now(),
    })
  })
}
