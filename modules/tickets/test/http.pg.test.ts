import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { Static } from 'typebox'
import type { Actor, ActorRole } from '#contracts/actor.ts'
import type { DoorKeys, Ticket, TicketList } from '#contracts/tickets.ts'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId, type UserId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { fromDoorKeys, rotateSigningKeys } from '../code/signing-keys.ts'
import { verifyTicket } from '../code/ticket-code.ts'
import { createTickets, type EventOfTicket } from '../index.ts'
import type { PlaceSold } from '../issue-tickets.ts'

const source = { clock, random: systemRandom() }
const { db } = await testDatabase()
const keysFolder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
after(() => rm(keysFolder, { recursive: true, force: true }))

const event: EventOfTicket = {
  eventId: 'evt_01kacmyxsdpjm5xt88f8cafw5r',
  name: 'Nordlicht',
  artist: null,
  startsAt: Date.UTC(2031, 5, 1, 18),
  doorsAt: null,
  venue: { name: 'Halle 622', city: 'Zürich', country: 'CH', timezone: 'Europe/Zurich' },
}
const tickets = await createTickets({
  ...source,
  db,
  keysFolder,
  eventOf: async eventNo => (eventNo === 1 ? event : null),
  eventNoOf: async idOrSlug => ([event.eventId, 'nordlicht'].includes(idOrSlug) ? 1 : null),
  opensReservation: (reservationId, access) => access === `opens ${reservationId}`,
})

/** The token of a caller is their role and, after a space, who they are. */
const app = createHttpServer({
  ...source,
  logger: pino({ level: 'silent' }),
  metrics: createMetrics({ processMetrics: false }),
  publicUrl: () => 'http://localhost:3000',
  authenticate: ({ headers }): Actor | 'unauthenticated' => {
    const [, role, userId] = headers.authorization?.split(' ') ?? []
    return role === undefined ? 'unauthenticated' : { role: role as ActorRole, userId: userId as UserId }
  },
})
tickets.routes(app)
after(() => app.close())

const get = (url: string, who?: { role?: ActorRole; userId: UserId }, headers: Record<string, string> = {}) =>
  app.inject({
    url,
    headers: { ...(who && { authorization: `Bearer ${who.role ?? 'customer'} ${who.userId}` }), ...headers },
  })
const somebody = () => ({ userId: newId('usr', source) })
const seat = (seatNo: number): PlaceSold => ({
  kind: 'seat',
  seatNo,
  section: 'A',
  row: '1',
  number: String(seatNo),
  priceLevel: 0,
  amount: 2500,
})

async function sold(places: readonly PlaceSold[], owner = somebody()) {
  const reservationId = newId('rsv', source, 1)
  const sale = {
    eventNo: 1,
    reservationId,
    ...owner,
    holderName: 'Ada',
    currency: 'EUR',
    places,
    issuedAt: clock.now(),
  }
  const issued = await db.transaction(tx => tickets.desk.issue(tx, sale))
  const ticketIds = issued.map(ticket => ticket.ticketId)
  const voiding = { eventNo: 1, reservationId, ticketIds, reason: 'ill', at: clock.now() }
  const voidAll = () => db.transaction(tx => tickets.desk.void(tx, voiding))
  return { owner, reservationId, path: `/v1/tickets/${ticketIds[0]}`, voidAll }
}

const pagesIn = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b/g)!.length

test('the owner reads a ticket whose code is genuine by the published keys', async () => {
  const { owner, path, reservationId } = await sold([seat(1)])
  const answer = await get(path, owner)
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['cache-control'], 'private, no-store')
  const { qr_payload, ticket_id, ...rest } = answer.json<Ticket>()
  assert.deepEqual(
    [rest.event_id, rest.reservation_id, rest.section, rest.row, rest.number, rest.area_id, rest.status],
    [event.eventId, reservationId, 'A', '1', '1', null, 'valid'],
  )
  const keys = (await get('/v1/events/nordlicht/door-keys')).json<DoorKeys>()
  const verdict = verifyTicket(qr_payload, fromDoorKeys(keys))
  assert.deepEqual([verdict.ok, verdict.code!.ticketId, verdict.code!.place], [true, ticket_id, { seatNo: 1 }])
})

suite('who may read a ticket', () => {
  for (const [suffix, seatNo] of [
    ['', 100],
    ['.svg', 101],
    ['.pdf', 102],
  ] as const)
    test(`as ${suffix || 'JSON'}: its owner, staff, and who comes by its access_url; for others it is not there`, async () => {
      const { owner, path, reservationId } = await sold([seat(seatNo)])
      const status = async (who?: Parameters<typeof get>[1], query = '') =>
        (await get(`${path}${suffix}${query}`, who)).statusCode
      assert.equal(await status(owner), 200)
      for (const role of ['support', 'finance', 'organizer', 'admin'] as const)
        assert.equal(await status({ ...somebody(), role }), 200, role)
      for (const role of ['guest', 'customer', 'door'] as const)
        assert.equal(await status({ ...somebody(), role }), 404, role)
      assert.equal(await status(), 401)
      assert.equal(await status(undefined, `?access=${encodeURIComponent(`opens ${reservationId}`)}`), 200)
      assert.equal(await status(undefined, '?access=nothing'), 404)
    })

  test('an id that is malformed, unknown, or of an event that cannot be, is not there', async () => {
    const unknown = [newId('tkt', source, 1), newId('tkt', source, 0xffffffff), newId('rsv', source, 1), 'tkt_', '.pdf']
    for (const id of unknown) assert.equal((await get(`/v1/tickets/${id}`, somebody())).statusCode, 404, id)
  })

  test('what opens one reservation opens no other', async () => {
    const [mine, theirs] = [await sold([seat(300)]), await sold([seat(301)])]
    const query = `?access=${encodeURIComponent(`opens ${mine.reservationId}`)}`
    assert.equal((await get(`${theirs.path}${query}`)).statusCode, 404)
    assert.equal((await get(`/v1/reservations/${theirs.reservationId}/tickets.pdf${query}`)).statusCode, 404)
  })
})

test('a picture runs nothing, and a void one says so', async () => {
  const { owner, path, voidAll } = await sold([seat(2)])
  const { headers, body } = await get(`${path}.svg`, owner)
  assert.match(headers['content-type'] as string, /^image\/svg\+xml/)
  assert.match(headers['content-security-policy'] as string, /default-src 'none'/)
  assert.equal(headers['cache-control'], 'private, no-store')
  assert.doesNotMatch(body, />VOID</)
  await voidAll()
  assert.match((await get(`${path}.svg`, owner)).body, />VOID</)
  assert.equal((await get(path, owner)).json<Ticket>().status, 'void')
})

test('the pages of an order are those of its live tickets; of none there is nothing to print', async () => {
  const standing = { kind: 'area', areaNo: 0, areaId: 'FLOOR', quantity: 2, priceLevel: 1, amount: 1500 } as const
  const { owner, reservationId, voidAll } = await sold([seat(3), standing])
  const path = `/v1/reservations/${reservationId}/tickets.pdf`
  const answer = await get(path, owner)
  assert.equal(answer.headers['content-type'], 'application/pdf')
  assert.equal(answer.headers['cache-control'], 'private, no-store')
  assert.equal(pagesIn(answer.rawPayload), 3)
  assert.equal((await get(path, somebody())).statusCode, 404)
  assert.equal((await get(path)).statusCode, 401)
  await voidAll()
  assert.equal((await get(path, owner)).statusCode, 404)
})

test('my tickets come newest first, each once, and nobody else’s', async () => {
  const owner = somebody()
  for (const seatNo of [400, 401, 402]) {
    await sold([seat(seatNo)], owner)
    // Ids tell milliseconds apart, and no more.
    await sleep(2)
  }
  await sold([seat(403)])
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const answer = await get(`/v1/me/tickets?limit=2${cursor && `&cursor=${cursor}`}`, owner)
    const { items, next_cursor }: Static<typeof TicketList> = answer.json()
    seen.push(...items.map(ticket => ticket.number!))
    cursor = next_cursor
  }
  assert.deepEqual(seen, ['402', '401', '400'])
  assert.equal((await get('/v1/me/tickets')).statusCode, 401)
  for (const wrong of ['cursor=nothing', 'limit=0', 'limit=101'])
    assert.equal((await get(`/v1/me/tickets?${wrong}`, owner)).statusCode, 400, wrong)
})

test('after a rotation a running server publishes the new key, signs with it, and the old tickets stay good', async () => {
  const path = '/v1/events/nordlicht/door-keys'
  const { owner, path: old } = await sold([seat(500)])
  const before = await get(path)
  assert.equal(before.headers['cache-control'], 'public, max-age=60')
  const etag = { 'if-none-match': before.headers.etag as string }
  assert.equal((await get(path, undefined, etag)).statusCode, 304)

  await rotateSigningKeys({ folder: keysFolder, random: source.random })
  for (const job of tickets.jobs) await job.run(new AbortController().signal)
  const rotated = await get(path, undefined, etag)
  assert.equal(rotated.statusCode, 200)
  const keys = fromDoorKeys(rotated.json<DoorKeys>())
  const next = await sold([seat(501)], owner)
  const verdicts = await Promise.all(
    [old, next.path].map(async of => verifyTicket((await get(of, owner)).json<Ticket>().qr_payload, keys)),
  )
  assert.deepEqual(
    verdicts.map(verdict => [verdict.ok, verdict.code!.keyNumber]),
    [
      [true, 1],
      [true, 2],
    ],
  )
})

test('an event that the public cannot see has no door keys', async () => {
  assert.equal((await get('/v1/events/nothing/door-keys')).statusCode, 404)
})
