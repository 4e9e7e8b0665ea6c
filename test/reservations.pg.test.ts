import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, ask, refusalOf } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { type Guest, type HoldAnswer, hold, installation, type NewEvent, newKey } from './harness/installation.ts'

// The section "Reservations" of the wire contract, sentence by sentence, over HTTP. The clock is the database's, and moved.

const box = await installation()
const { url } = box.servers[0]!
const { db } = box.database
const second = 1000
const { eventId: clockEvent } = await box.createEvent(url, { hall: { areas: { floor: 1 } } })

async function newEvent(event: Partial<NewEvent> = {}): Promise<string> {
  const hall = { rows: 4, seatsPerRow: 10, areas: { floor: 20, gallery: 5 } }
  return (await box.createEvent(url, { hall, ticketLimit: 6, ...event })).eventId
}

/** Seats of a row: `seats(2, 1, 2)` is A-2-1 and A-2-2. */
function seats(row: number, ...of: number[]): string[] {
  return of.map(number => seatId(row, number))
}

async function mustHold(who: Guest, places: object, key = newKey()): Promise<HoldAnswer> {
  const answer = await hold(url, who, places, { key })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer
}

async function assertRefused(answer: Promise<Answer | HoldAnswer>, code: string, members: object = {}): Promise<void> {
  const given = (await answer) as Answer
  assert.equal(refusalOf(given), code, JSON.stringify(given.body))
  for (const [name, value] of Object.entries(members))
    assert.deepEqual(given.body[name], value, `${code} tells ${name}`)
}

/** Moves the clock, and waits until the server has noticed: a clock that jumps is a thing of tests. */
async function advance(ms: number): Promise<void> {
  const now = async () => (await db.query<{ now: number }>('select holdfast.clock() as now')).rows[0]!.now
  await box.database.advance(ms)
  const jumped = await now()
  const asOf = async () => Date.parse((await ask(url, { path: `/v1/events/${clockEvent}/availability` })).body.as_of)
  while ((await asOf()) < jumped) await wait(20)
}

const get = (who: Guest, id: unknown) => ask(url, { path: `/v1/reservations/${id}`, token: who.token })
const extend = (who: Guest, id: unknown) =>
  ask(url, { method: 'POST', path: `/v1/reservations/${id}/extend`, token: who.token })
const cancel = (who: Guest, id: unknown) =>
  ask(url, { method: 'DELETE', path: `/v1/reservations/${id}`, token: who.token })
const sale = (eventId: string, action: string, more = {}) =>
  box.staff(url, { method: 'POST', path: `/v1/events/${eventId}/onsale`, body: { action, ...more } })

test('a hold answers with everything the buyer needs, and is found again under its address', async () => {
  const event_id = await newEvent()
  const guest = box.newGuest()
  const answer = await mustHold(guest, {
    event_id,
    seat_ids: [...seats(1, 2, 1), ...seats(2, 1)],
    areas: [{ area_id: 'floor', quantity: 2 }],
  })
  const { reservation_id, created_at, expires_at, server_time, ...rest } = answer.body
  const seat = (row: number, number: number, price_level: string, amount: number) => ({
    seat_id: seatId(row, number),
    section: 'A',
    row: String(row),
    number: String(number),
    price_level,
    amount,
  })
  assert.deepEqual(rest, {
    event_id,
    state: 'pending_payment',
    items: [
      seat(1, 2, 'Front', 9000),
      seat(1, 1, 'Front', 9000),
      seat(2, 1, 'Back', 5000),
      { area_id: 'floor', price_level: 'Floor', amount: 3000, quantity: 2 },
    ],
    amount: 29_000,
    currency: 'CHF',
    extensions_left: 1,
  })
  assert.match(reservation_id, /^rsv_[0-9a-hjkmnp-tv-z]{26}$/)
  assert.equal(Date.parse(expires_at) - Date.parse(created_at), 600 * second)
  assert.equal(answer.headers.location, `/v1/reservations/${reservation_id}`)
  assert.equal(answer.headers['cache-control'], 'private, no-store')
  assert.ok(Math.abs(Date.parse(server_time) - Date.parse(created_at)) < 60 * second)
  const found = await get(guest, reservation_id)
  assert.equal(found.status, 200)
  const text = (body: object) => JSON.stringify({ ...body, server_time: '' })
  assert.equal(text(found.body), text(answer.body))
  assert.equal(found.headers['cache-control'], 'private, no-store')
})

test('all or nothing: one taken seat, or one place too few, and nothing is held', async () => {
  const event_id = await newEvent()
  await mustHold(box.newGuest(), { event_id, seat_ids: seats(1, 1, 2) })
  const guest = box.newGuest()
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 2, 3, 4) }), 'seats-unavailable', {
    conflicting_seat_ids: seats(1, 2),
  })
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 1, 2, 3, 4) }), 'seats-unavailable', {
    conflicting_seat_ids: seats(1, 1, 2),
  })
  const mixed = { event_id, seat_ids: seats(2, 1), areas: [{ area_id: 'gallery', quantity: 5 }] }
  await mustHold(box.newGuest(), { event_id, areas: [{ area_id: 'gallery', quantity: 1 }] })
  await assertRefused(hold(url, guest, mixed), 'capacity-unavailable', { area_id: 'gallery', available: 4 })
  await mustHold(guest, { event_id, seat_ids: seats(1, 3, 4) })
  await mustHold(box.newGuest(), { event_id, seat_ids: seats(2, 1, 2) })
})

test('refusals come in the published order', async () => {
  const event_id = await newEvent()
  const taken = seats(1, 1, 2)
  await mustHold(box.newGuest(), { event_id, seat_ids: taken })
  const guest = box.newGuest()
  const key = newKey()
  const mine = { event_id, seat_ids: seats(4, 1, 2) }
  const made = await mustHold(guest, mine, key)
  const raw = (body: unknown, more: object) => ask(url, { method: 'POST', path: '/v1/reservations', body, ...more })
  const wrongInEveryWay = { event_id: 'evt_x', seat_ids: ['nowhere'], surprise: true }

  // Each step puts right what the one before was refused for; all that comes later in the order stays wrong.
  await assertRefused(raw(wrongInEveryWay, {}), 'unauthenticated')
  await assertRefused(raw(wrongInEveryWay, { token: guest.token }), 'invalid-request')
  const sevenWithUnknown = ['nowhere', ...taken, ...seats(1, 5, 6, 7, 8)]
  await assertRefused(
    raw({ event_id: 'evt_x', seat_ids: sevenWithUnknown }, { token: guest.token }),
    'idempotency-key-required',
  )
  await assertRefused(hold(url, guest, { event_id: 'evt_x', seat_ids: sevenWithUnknown }), 'event-not-found')
  await sale(event_id, 'pause')
  await assertRefused(hold(url, guest, { event_id, seat_ids: sevenWithUnknown }, { key }), 'idempotency-key-reused')
  const replayed = await mustHold(guest, mine, key)
  assert.equal(replayed.body.reservation_id, made.body.reservation_id)
  await assertRefused(hold(url, guest, { event_id, seat_ids: sevenWithUnknown }), 'not-on-sale', {
    event_status: 'paused',
  })
  await sale(event_id, 'resume')
  await assertRefused(hold(url, guest, { event_id, seat_ids: sevenWithUnknown }), 'unknown-seats', {
    seat_ids: ['nowhere'],
  })
  await assertRefused(
    hold(url, guest, { event_id, seat_ids: [...taken, ...seats(1, 5, 6, 7, 8)] }),
    'ticket-limit-exceeded',
    {
      limit: 6,
    },
  )
  // Two are held already: five more would be seven.
  await assertRefused(
    hold(url, guest, { event_id, seat_ids: [...taken, ...seats(1, 5, 6, 8)] }),
    'ticket-limit-exceeded',
  )
  const leavesOne = [...taken, ...seats(1, 4)]
  await assertRefused(hold(url, guest, { event_id, seat_ids: leavesOne }), 'reservation-exists', {
    reservation_id: made.body.reservation_id,
  })
  assert.equal((await cancel(guest, made.body.reservation_id)).status, 204)
  await assertRefused(hold(url, guest, { event_id, seat_ids: leavesOne }), 'seats-unavailable', {
    conflicting_seat_ids: taken,
  })
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 4, 5) }), 'seat-rule', {
    rule: 'single-seat',
    seat_ids: seats(1, 3),
  })
  await mustHold(guest, { event_id, seat_ids: seats(1, 3, 4) })
})

test('the same key and body give the same answer again, whatever has happened since', async () => {
  const event_id = await newEvent()
  const guest = box.newGuest()
  const key = newKey()
  const places = { event_id, seat_ids: seats(1, 1, 2) }
  const first = await mustHold(guest, places, key)
  assert.equal(first.headers['idempotent-replayed'], undefined)
  const again = async (body: object = places) => {
    const answer = await mustHold(guest, body, key)
    assert.equal(answer.headers['idempotent-replayed'], 'true')
    assert.equal(answer.headers.location, first.headers.location)
    assert.deepEqual({ ...answer.body, server_time: '' }, { ...first.body, server_time: '' })
    return Date.parse(answer.body.server_time)
  }
  const atOnce = await again()
  await again({ seat_ids: places.seat_ids, event_id }) // members in another order
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 2, 1) }, { key }), 'idempotency-key-reused')

  assert.equal((await extend(guest, first.body.reservation_id)).status, 200)
  await again()
  await advance(901 * second)
  assert.ok((await again()) - atOnce >= 900 * second, 'with a fresh server_time')
  assert.equal((await get(guest, first.body.reservation_id)).body.state, 'expired')
  await mustHold(box.newGuest(), places) // somebody else has them now
  await again()
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 3, 4) }, { key }), 'idempotency-key-reused')
})

test('the same key six times at once is one hold, with another body 422 while the first is under way', async () => {
  const event_id = await newEvent()
  const guest = box.newGuest()
  const key = newKey()
  const [one, other] = [seats(1, 1, 2), seats(2, 1, 2)]
  const answers = await Promise.all(
    [one, other, one, other, one, one].map(seat_ids => hold(url, guest, { event_id, seat_ids }, { key })),
  )
  const won = answers.filter(({ status }) => status === 201)
  const lost = answers.filter(({ status }) => status !== 201)
  assert.equal(new Set(won.map(({ body }) => body.reservation_id)).size, 1)
  assert.equal(won.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length, won.length - 1)
  assert.deepEqual([...new Set(lost.map(answer => refusalOf(answer as Answer)))], ['idempotency-key-reused'])
  assert.equal(won.length + lost.length, 6)
  assert.ok([2, 4].includes(lost.length))
})

test('a key belongs to one user and one event, and a refusal leaves it free', async () => {
  const [event_id, elsewhere] = [await newEvent(), await newEvent()]
  const [guest, other] = [box.newGuest(), box.newGuest()]
  const key = newKey()
  await mustHold(other, { event_id, seat_ids: seats(1, 1, 2) }, key)
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(1, 1, 2) }, { key }), 'seats-unavailable')
  await mustHold(guest, { event_id, seat_ids: seats(1, 3, 4) }, key)
  await mustHold(guest, { event_id: elsewhere, seat_ids: seats(1, 1, 2) }, key)
})

test('a hold ends by the clock of the database: then it reads expired, cannot be extended, and its places are free', async () => {
  const event_id = await newEvent({ holdPolicy: { hold_seconds: 60, max_extensions: 2, extension_seconds: 30 } })
  const guest = box.newGuest()
  const places = { event_id, seat_ids: seats(1, 1, 2), areas: [{ area_id: 'gallery', quantity: 4 }] }
  const held = await mustHold(guest, places)
  const id = held.body.reservation_id
  assert.equal(Date.parse(held.body.expires_at) - Date.parse(held.body.created_at), 60 * second)
  assert.equal(held.body.extensions_left, 2)
  await advance(50 * second)
  const extended = await extend(guest, id)
  assert.equal(extended.status, 200)
  assert.equal(Date.parse(extended.body.expires_at) - Date.parse(held.body.expires_at), 30 * second)
  assert.equal(extended.body.extensions_left, 1)
  await advance(30 * second)
  await assertRefused(hold(url, box.newGuest(), { event_id, seat_ids: seats(1, 1, 2) }), 'seats-unavailable')
  assert.equal((await extend(guest, id)).body.extensions_left, 0)
  await assertRefused(extend(guest, id), 'no-extensions-left')
  await advance(41 * second)
  assert.equal((await get(guest, id)).body.state, 'expired')
  await assertRefused(extend(guest, id), 'reservation-expired')
  await mustHold(box.newGuest(), places)
  const next = await mustHold(guest, { event_id, seat_ids: seats(2, 1, 2) })
  assert.equal((await cancel(guest, id)).status, 204, 'DELETE of what has expired')
  assert.equal((await get(guest, id)).body.state, 'expired')
  await assertRefused(hold(url, guest, { event_id, seat_ids: seats(3, 1, 2), replaces: id }), 'reservation-exists', {
    reservation_id: next.body.reservation_id,
  })
})

test('an extension is not to be had where the event allows none', async () => {
  const event_id = await newEvent({ holdPolicy: { max_extensions: 0 } })
  const guest = box.newGuest()
  const { body } = await mustHold(guest, { event_id, seat_ids: seats(1, 1, 2) })
  assert.equal(body.extensions_left, 0)
  await assertRefused(extend(guest, body.reservation_id), 'no-extensions-left')
})

test('what is cancelled is free at once, and cancelling it again is fine', async () => {
  const event_id = await newEvent()
  const guest = box.newGuest()
  const places = { event_id, seat_ids: seats(1, 1, 2), areas: [{ area_id: 'gallery', quantity: 4 }] }
  const { body } = await mustHold(guest, places)
  for (const _ of numbers(2)) {
    const answer = await cancel(guest, body.reservation_id)
    assert.deepEqual([answer.status, answer.body], [204, null])
  }
  assert.equal((await get(guest, body.reservation_id)).body.state, 'cancelled')
  await assertRefused(extend(guest, body.reservation_id), 'already-cancelled')
  await mustHold(box.newGuest(), places)
})

test('replacing swaps in one step: own seats count as free, and the clock goes on', async () => {
  const event_id = await newEvent({ ticketLimit: 8 })
  const guest = box.newGuest()
  const first = await mustHold(guest, {
    event_id,
    seat_ids: seats(1, 1, 2, 3),
    areas: [{ area_id: 'gallery', quantity: 3 }],
  })
  await extend(guest, first.body.reservation_id)
  const before = (await get(guest, first.body.reservation_id)).body
  await advance(10 * second)
  const next = await mustHold(guest, {
    event_id,
    seat_ids: seats(1, 3, 4, 5),
    areas: [{ area_id: 'gallery', quantity: 3 }],
    replaces: first.body.reservation_id,
  })
  assert.equal(next.body.expires_at, before.expires_at)
  assert.equal(next.body.extensions_left, 0)
  assert.equal((await get(guest, first.body.reservation_id)).body.state, 'cancelled')
  await assertRefused(hold(url, box.newGuest(), { event_id, seat_ids: seats(1, 2, 3, 4) }), 'seats-unavailable', {
    conflicting_seat_ids: seats(1, 3, 4),
  })
  await mustHold(box.newGuest(), { event_id, seat_ids: seats(1, 1, 2), areas: [{ area_id: 'gallery', quantity: 2 }] })
  await assertRefused(
    hold(url, guest, { event_id, seat_ids: seats(2, 1, 2), replaces: first.body.reservation_id }),
    'reservation-exists',
    { reservation_id: next.body.reservation_id },
  )
})

test('a replacement that is refused leaves the old hold as it was', async () => {
  const event_id = await newEvent()
  const [guest, other] = [box.newGuest(), box.newGuest()]
  const theirs = await mustHold(other, { event_id, seat_ids: seats(2, 1, 2) })
  const mine = await mustHold(guest, { event_id, seat_ids: seats(1, 1, 2) })
  const replaces = mine.body.reservation_id
  await assertRefused(
    hold(url, guest, { event_id, seat_ids: [...seats(1, 1), ...seats(2, 2)], replaces }),
    'seats-unavailable',
    {
      conflicting_seat_ids: seats(2, 2),
    },
  )
  await assertRefused(
    hold(url, guest, { event_id, areas: [{ area_id: 'gallery', quantity: 6 }], replaces }),
    'capacity-unavailable',
  )
  await assertRefused(
    hold(url, guest, { event_id, areas: [{ area_id: 'floor', quantity: 7 }], replaces }),
    'ticket-limit-exceeded',
  )
  await assertRefused(
    hold(url, box.newGuest(), { event_id, seat_ids: seats(3, 1, 2), replaces: theirs.body.reservation_id }),
    'not-found',
  )
  const elsewhere = await newEvent()
  await assertRefused(hold(url, guest, { event_id: elsewhere, seat_ids: seats(3, 1, 2), replaces }), 'not-found')
  assert.deepEqual({ ...(await get(guest, replaces)).body, server_time: '' }, { ...mine.body, server_time: '' })
  // With the same key twice: the second is the first again, not a replacement of what is gone.
  const key = newKey()
  const swap = { event_id, areas: [{ area_id: 'floor', quantity: 6 }], replaces }
  const swapped = await mustHold(guest, swap, key)
  const repeated = await mustHold(guest, swap, key)
  assert.equal(repeated.body.reservation_id, swapped.body.reservation_id)
  assert.equal(repeated.headers['idempotent-replayed'], 'true')
})

test('the ticket limit counts seats and places together, and what is given back no longer', async () => {
  const event_id = await newEvent()
  const guest = box.newGuest()
  await assertRefused(
    hold(url, guest, { event_id, seat_ids: seats(1, 1, 2), areas: [{ area_id: 'floor', quantity: 5 }] }),
    'ticket-limit-exceeded',
    {
      limit: 6,
    },
  )
  await assertRefused(hold(url, guest, { event_id, best_available: { quantity: 7 } }), 'ticket-limit-exceeded')
  const { body } = await mustHold(guest, {
    event_id,
    seat_ids: seats(1, 1, 2),
    areas: [{ area_id: 'floor', quantity: 4 }],
  })
  await cancel(guest, body.reservation_id)
  await mustHold(guest, { event_id, best_available: { quantity: 6 } })
})

test('best available: together is one row, apart may split, and a wish that cannot be met is no match', async () => {
  const event_id = await newEvent({ hall: { rows: 3, seatsPerRow: 4 } })
  const best = (wish: object) => hold(url, box.newGuest(), { event_id, best_available: wish })
  await assertRefused(best({ quantity: 5 }), 'no-match')
  const party = await best({ quantity: 3 })
  assert.equal(party.status, 201)
  const columns = party.body.items.map(({ number }) => Number(number)).sort()
  assert.equal(new Set(party.body.items.map(({ row }) => row)).size, 1)
  assert.equal(columns[2]! - columns[0]!, 2)
  await assertRefused(best({ quantity: 1, max_amount: 4999 }), 'no-match')
  const cheap = await best({ quantity: 2, max_amount: 5000 })
  assert.ok(cheap.body.items.every(({ amount }) => amount <= 5000))
  const front = await best({ quantity: 1, price_level: 'Front' })
  assert.deepEqual(
    front.body.items.map(({ price_level }) => price_level),
    ['Front'],
  )
  const rest = await best({ quantity: 6, together: false })
  assert.equal(rest.status, 201, JSON.stringify(rest.body))
  assert.ok(new Set(rest.body.items.map(({ row }) => row)).size > 1)
  await assertRefused(best({ quantity: 1 }), 'no-match')
})

test('accessible means a wheelchair place', async () => {
  const event_id = await newEvent({
    hall: { rows: 2, seatsPerRow: 6, attributes: { 'A-2-1': ['wheelchair'], 'A-2-2': ['companion'] } },
  })
  const accessible = await hold(url, box.newGuest(), { event_id, best_available: { quantity: 2, accessible: true } })
  assert.deepEqual(accessible.body.items.map(({ seat_id }) => seat_id).sort(), ['A-2-1', 'A-2-2'])
  await assertRefused(
    hold(url, box.newGuest(), { event_id, best_available: { quantity: 1, accessible: true } }),
    'no-match',
  )
})

test('no lone seat is left behind, unless the event allows it or the row offers no other way', async () => {
  const hall = { rows: 3, seatsPerRow: 5 }
  const strict = await newEvent({ hall })
  await assertRefused(hold(url, box.newGuest(), { event_id: strict, seat_ids: seats(1, 2, 3) }), 'seat-rule', {
    rule: 'single-seat',
    seat_ids: seats(1, 1),
  })
  await mustHold(box.newGuest(), { event_id: strict, seat_ids: seats(1, 1, 2) })
  await mustHold(box.newGuest(), { event_id: strict, seat_ids: seats(1, 3, 4) })
  const lenient = await newEvent({ hall, holdPolicy: { single_seat_rule: 'allow' } })
  await mustHold(box.newGuest(), { event_id: lenient, seat_ids: seats(1, 2, 3) })
})

test('a sale opens at its time without anybody doing anything, and closes when it is closed', async () => {
  const event_id = await newEvent({ open: false })
  const places = { event_id, seat_ids: seats(1, 1, 2) }
  const guest = box.newGuest()
  await assertRefused(hold(url, guest, places), 'event-not-found') // drafts do not appear
  const { rows } = await db.query<{ now: number }>('select holdfast.clock() as now')
  const onsale_at = new Date(Math.ceil(rows[0]!.now / 1000) * 1000 + 3_600_000).toISOString()
  await sale(event_id, 'schedule', { onsale_at })
  await assertRefused(hold(url, guest, places), 'not-on-sale', { event_status: 'scheduled', onsale_at })
  await advance(3_600_000)
  const openedAt = performance.now()
  let answer: HoldAnswer
  do answer = await hold(url, guest, places)
  while (answer.status === 409 && performance.now() - openedAt < 5000 && (await wait(20, true)))
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  assert.ok(Date.parse(answer.body.created_at) >= Date.parse(onsale_at))
  await sale(event_id, 'close')
  await assertRefused(hold(url, box.newGuest(), { event_id, seat_ids: seats(2, 1, 2) }), 'not-on-sale', {
    event_status: 'ended',
  })
  assert.equal((await extend(guest, answer.body.reservation_id)).status, 200, 'who holds may still pay')
})

test('one live hold for a user and event; another event is another matter', async () => {
  const [event_id, elsewhere] = [await newEvent(), await newEvent()]
  const guest = box.newGuest()
  const { body } = await mustHold(guest, { event_id, areas: [{ area_id: 'floor', quantity: 1 }] })
  await assertRefused(
    hold(url, guest, { event_id, areas: [{ area_id: 'floor', quantity: 1 }] }),
    'reservation-exists',
    {
      reservation_id: body.reservation_id,
    },
  )
  await mustHold(guest, { event_id: elsewhere, areas: [{ area_id: 'floor', quantity: 1 }] })
})

test('my reservations are listed newest first, page by page', async () => {
  const guest = box.newGuest()
  const made: string[] = []
  for (const n of numbers(5)) {
    const event_id = await newEvent({ hall: { areas: { floor: 10 } } })
    const { body } = await mustHold(guest, { event_id, areas: [{ area_id: 'floor', quantity: n }] })
    made.unshift(body.reservation_id)
    if (n % 2 === 0) await cancel(guest, body.reservation_id)
  }
  const page = (query: string) => ask(url, { path: `/v1/me/reservations${query}`, token: guest.token })
  const all = await page('')
  assert.deepEqual(
    all.body.items.map((item: { reservation_id: string }) => item.reservation_id),
    made,
  )
  assert.equal(all.body.next_cursor, null)
  assert.equal(all.headers['cache-control'], 'private, no-store')
  const states = all.body.items.map((item: { state: string }) => item.state)
  assert.deepEqual(states, ['pending_payment', 'cancelled', 'pending_payment', 'cancelled', 'pending_payment'])
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body }: Answer = await page(`?limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    assert.ok(body.items.length <= 2)
    seen.push(...body.items.map((item: { reservation_id: string }) => item.reservation_id))
    cursor = body.next_cursor
  }
  assert.deepEqual(seen, made)
})

test('customers hold like guests, and members of staff are customers too', async () => {
  const event_id = await newEvent()
  const signup = { email: 'ada@example.org', password: 'a long enough password', name: 'Ada' }
  const { body } = await ask(url, { method: 'POST', path: '/v1/auth/signup', body: signup })
  const customer = { token: body.access_token, userId: body.user_id }
  const held = await mustHold(customer, { event_id, seat_ids: seats(1, 1, 2) })
  for (const [n, role] of ['door', 'support', 'finance', 'organizer'].entries()) {
    const account = { email: `${role}@example.org`, password: 'a long enough password', name: role }
    await box.staff(url, { method: 'POST', path: '/v1/staff', body: { ...account, role } })
    const { name: _, ...login } = account
    const { access_token } = (await ask(url, { method: 'POST', path: '/v1/auth/login', body: login })).body
    const staff = { token: access_token, userId: '' }
    const mayLook = role === 'support' || role === 'organizer'
    assert.equal((await get(staff, held.body.reservation_id)).status, mayLook ? 200 : 404, role)
    assert.equal((await cancel(staff, held.body.reservation_id)).status, 404, role)
    await mustHold(staff, { event_id, areas: [{ area_id: 'gallery', quantity: 1 }] })
    const audit = await ask(url, { path: `/v1/events/${event_id}/audit`, token: access_token })
    assert.equal(audit.status, n === 0 ? 403 : 200, role)
  }
})

test('every answer carries a request id, the caller’s own if it is harmless', async () => {
  const guest = box.newGuest()
  const mine = await ask(url, {
    path: '/v1/me/reservations',
    token: guest.token,
    headers: { 'x-request-id': 'mine-1.2_3' },
  })
  assert.equal(mine.headers['x-request-id'], 'mine-1.2_3')
  const odd = await ask(url, { path: '/v1/me/reservations', token: guest.token, headers: { 'x-request-id': 'a b"c' } })
  assert.match(odd.headers['x-request-id'] as string, /^[\w-]{8,}$/)
})

test('after the whole walk the books balance', async () => {
  await assertBooksBalance(db)
})
