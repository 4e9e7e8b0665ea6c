import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { Event, EventList, SeatMapImported, Venue } from '#contracts/catalog.ts'
import { smallPlan, zone } from '../seat-map/test/plans.ts'
import { catalogServer } from './catalog-server.ts'

const { app, db, advance, catalog, inventories, request } = await catalogServer()

const clubPlan = () => {
  const plan = smallPlan({ rows: 2, seats: 4 })
  plan.zones[0]!.areas = [{ shape: 'rectangle', position: { x: 0, y: 60 }, rectangle: { width: 50, height: 20 } }]
  return {
    ...plan,
    holdfast: { areas: { 0: { area_id: 'floor', name: 'Floor', capacity: 600, price_level: 'Back' } } },
  }
}
const prices = [
  { price_level: 'Front', name: 'Front rows', amount: 5000 },
  { price_level: 'Back', amount: 3000 },
]

const venue = (await asOrganizer('POST', '/v1/venues', {
  name: 'Theater am See',
  city: 'Zürich',
  country: 'CH',
  timezone: 'Europe/Zurich',
}).then(answer => answer.json())) as Venue
const map = (await asOrganizer('POST', `/v1/venues/${venue.venue_id}/seatmaps`, clubPlan()).then(a =>
  a.json(),
)) as SeatMapImported

function asOrganizer(
  method: 'GET' | 'POST' | 'PATCH',
  url: string,
  body?: object,
  headers: Record<string, string> = {},
) {
  return request(method, url, { role: 'organizer', headers, ...(body && { body }) })
}
const newEvent = (over: object = {}) => ({
  venue_id: venue.venue_id,
  seatmap_id: map.seatmap_id,
  name: 'Evening',
  starts_at: '2031-05-01T20:00:00+02:00',
  currency: 'CHF',
  price_levels: prices,
  ...over,
})
async function addEvent(over: object = {}): Promise<Event & { etag: string }> {
  const answer = await asOrganizer('POST', '/v1/events', newEvent(over))
  assert.equal(answer.statusCode, 201, answer.body)
  return { ...answer.json(), etag: answer.headers.etag as string }
}
const sale = (event: Event, body: object) => asOrganizer('POST', `/v1/events/${event.event_id}/onsale`, body)
async function addOnSale(over: object = {}): Promise<Event> {
  const event = await addEvent(over)
  return (await sale(event, { action: 'open' })).json()
}
const get = (url: string, headers: Record<string, string> = {}) => request('GET', url, { headers })
const slugs = (list: EventList) => list.items.map(({ slug }) => slug)

suite('who may', () => {
  test('organisers write, others are told which role it takes, nobody writes without a token', async () => {
    const body = { name: 'V', city: 'C', country: 'CH', timezone: 'UTC' }
    assert.equal((await request('POST', '/v1/venues', { body })).statusCode, 401)
    for (const role of ['guest', 'customer', 'door', 'support', 'finance'] as const) {
      assert.equal((await request('POST', '/v1/venues', { role, body })).statusCode, 403, role)
    }
    assert.equal((await request('POST', '/v1/venues', { role: 'admin', body })).statusCode, 201)
  })

  test('a time zone that does not exist, and fields that nobody knows, are refused', async () => {
    const body = { name: 'V', city: 'C', country: 'CH', timezone: 'Europe/Atlantis' }
    assert.equal((await asOrganizer('POST', '/v1/venues', body)).json().errors[0].path, 'timezone')
    const answer = await asOrganizer('POST', '/v1/venues', { ...body, timezone: 'UTC', color: 'red' })
    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'invalid-request'])
  })
})

suite('seat maps', () => {
  const url = `/v1/venues/${venue.venue_id}/seatmaps`
  const countMaps = async () =>
    (await db.query<{ n: number }>('select count(*)::int4 as n from holdfast.seatmaps')).rows[0]!.n

  test('an import answers what it found, under the next version of the venue', async () => {
    assert.deepEqual({ ...map, seatmap_id: '' }, { seatmap_id: '', version: 1, seats: 8, areas: 1, warnings: [] })
    const again = await asOrganizer('POST', url, { ...clubPlan(), vendor: 1 })
    assert.equal(again.statusCode, 201)
    assert.deepEqual([again.json().version, again.json().warnings.length], [2, 1])
  })

  test('a manifest is read as well', async () => {
    const csv = 'section,row,number,x,y,price_level\r\nA,1,1,0,0,Front\r\nA,1,2,10,0,Front\r\n'
    const answer = await request('POST', `${url}?name=Hall`, {
      role: 'organizer',
      body: csv,
      headers: { 'content-type': 'text/csv; charset=utf-8' },
    })
    assert.equal(answer.statusCode, 201, answer.body)
    assert.equal(answer.json().seats, 2)
  })

  test('a plan with problems stores nothing and tells all of them', async () => {
    const before = await countMaps()
    const plan = clubPlan()
    plan.zones[0]!.rows[0]!.seats[0]!.category = 'Loge'
    plan.zones[0]!.rows[1]!.seats[0]!.seat_number = '2'
    const answer = await asOrganizer('POST', url, plan)
    assert.deepEqual([answer.statusCode, answer.json().code, answer.json().errors.length], [422, 'invalid-seatmap', 2])
    assert.equal(await countMaps(), before)
  })

  test('what is no JSON, no UTF-8, of no known type or for no venue gets the 4xx that says so', async () => {
    const send = (body: string | Buffer, type: string, to = url) =>
      request('POST', to, { role: 'organizer', body, headers: { 'content-type': type } }).then(a => a.statusCode)
    assert.equal(await send('{"name":', 'application/json'), 400)
    assert.equal(await send('', 'application/json'), 400)
    assert.equal(await send(Buffer.from([0x7b, 0xff, 0x7d]), 'application/json'), 400)
    assert.equal(await send('<plan/>', 'application/xml'), 415)
    const plan = JSON.stringify(clubPlan())
    assert.equal(await send(plan, 'application/json', '/v1/venues/ven_00000000000000000000000000/seatmaps'), 404)
    assert.equal(await send(plan, 'application/json', '/v1/venues/nonsense/seatmaps'), 404)
  })

  test('the same key and file give the same map, another file under the key is refused', async () => {
    const headers = { 'idempotency-key': 'import-1' }
    const [first, second] = [
      await asOrganizer('POST', url, clubPlan(), headers),
      await asOrganizer('POST', url, clubPlan(), headers),
    ]
    assert.equal(second.json().seatmap_id, first.json().seatmap_id)
    assert.equal(second.headers['idempotent-replayed'], 'true')
    const other = await asOrganizer('POST', url, { ...clubPlan(), name: 'Other' }, headers)
    assert.deepEqual([other.statusCode, other.json().code], [422, 'idempotency-key-reused'])
  })
})

suite('events', () => {
  test('a new event is a draft with its stock, seen by organisers and by nobody else', async () => {
    const event = await addEvent({ name: 'Größe & Mut', artist: 'Zoë' })
    assert.deepEqual(
      [event.status, event.slug, event.seatmap_version, event.ticket_limit],
      ['draft', 'grosse-mut', 1, 10],
    )
    assert.deepEqual(event.price_levels, [
      { price_level: 'Front', name: 'Front rows', amount: 5000, color: '#0072b2' },
      { price_level: 'Back', name: 'Back', amount: 3000, color: '#e69f00' },
    ])
    const { eventNo, ...stock } = inventories.at(-1)!
    assert.deepEqual(stock, { seatCount: 8, areas: [{ areaNo: 0, areaId: 'floor', capacity: 600 }] })
    assert.ok(eventNo > 0)
    for (const id of [event.event_id, event.slug]) {
      for (const path of ['', '/seatmap']) {
        assert.equal((await get(`/v1/events/${id}${path}`)).statusCode, 404)
        assert.equal((await request('GET', `/v1/events/${id}${path}`, { role: 'customer' })).statusCode, 404)
        const seen = await asOrganizer('GET', `/v1/events/${id}${path}`)
        assert.deepEqual([seen.statusCode, seen.headers['cache-control']], [200, 'private, no-store'])
      }
    }
    assert.ok(!slugs((await get('/v1/events?limit=100')).json()).includes(event.slug))
    assert.deepEqual(slugs((await get('/v1/events?q=mut')).json()), [])
  })

  test('an event whose stock cannot be made does not exist', async () => {
    const plan = { ...smallPlan({ rows: 1, seats: 13 }), name: 'Unlucky' }
    const unlucky = (await asOrganizer('POST', `/v1/venues/${venue.venue_id}/seatmaps`, plan)).json() as SeatMapImported
    const body = newEvent({ name: 'Unlucky', seatmap_id: unlucky.seatmap_id })
    assert.equal((await asOrganizer('POST', '/v1/events', body)).statusCode, 500)
    assert.equal((await asOrganizer('GET', '/v1/events/unlucky')).statusCode, 404)
    const { rowCount } = await db.query(`select from holdfast.events where slug = 'unlucky'`)
    assert.equal(rowCount, 0)
  })

  test('every category needs a price, and all that is wrong is told', async () => {
    const body = newEvent({
      price_levels: [{ price_level: 'Loge', amount: 1 }],
      currency: 'XXX',
      doors_at: '2032-01-01T00:00:00Z',
    })
    const answer = await asOrganizer('POST', '/v1/events', body)
    assert.equal(answer.statusCode, 422, answer.body)
    const errors: { path: string; message: string }[] = answer.json().errors
    assert.deepEqual(errors.map(({ path, message }) => `${path} ${message}`).sort(), [
      'currency must be a currency of ISO 4217',
      'doors_at must not be after starts_at',
      'price_levels lacks a price for "Back"',
      'price_levels lacks a price for "Front"',
    ])
  })

  test('a map of another venue, or of none, is not found', async () => {
    const other = (
      await asOrganizer('POST', '/v1/venues', { name: 'O', city: 'O', country: 'CH', timezone: 'UTC' })
    ).json() as Venue
    for (const over of [
      { venue_id: other.venue_id },
      { seatmap_id: 'map_00000000000000000000000000' },
      { venue_id: 'x' },
    ]) {
      assert.equal((await asOrganizer('POST', '/v1/events', newEvent(over))).statusCode, 404)
    }
  })

  test('slugs are made unique unless they are given', async () => {
    const names = [await addEvent({ name: 'Twice' }), await addEvent({ name: 'Twice' })]
    assert.deepEqual(
      names.map(({ slug }) => slug),
      ['twice', 'twice-2'],
    )
    const answer = await asOrganizer('POST', '/v1/events', newEvent({ slug: 'twice' }))
    assert.deepEqual([answer.statusCode, answer.json().code], [409, 'slug-taken'])
    const evil = await asOrganizer('POST', '/v1/events', newEvent({ slug: 'evt_00000000000000000000000000' }))
    assert.equal(evil.statusCode, 400)
  })

  test('a change needs the version that was seen; of two at once one is refused', async () => {
    const event = await addEvent({ name: 'Versions' })
    const url = `/v1/events/${event.event_id}`
    assert.equal((await asOrganizer('PATCH', url, { artist: 'A' })).json().code, 'precondition-required')
    const both = await Promise.all(
      ['A', 'B'].map(artist => asOrganizer('PATCH', url, { artist }, { 'if-match': event.etag })),
    )
    assert.deepEqual(both.map(answer => answer.statusCode).sort(), [200, 412])
    const winner = both.find(answer => answer.statusCode === 200)!
    assert.equal((await asOrganizer('GET', url)).json().artist, winner.json().artist)
    const next = await asOrganizer('PATCH', url, { artist: null }, { 'if-match': winner.headers.etag as string })
    assert.deepEqual([next.statusCode, next.json().artist, next.headers.etag], [200, null, '"3.draft"'])
    const any = await Promise.all(
      ['C', 'D', 'E'].map(artist => asOrganizer('PATCH', url, { artist }, { 'if-match': '*' })),
    )
    assert.deepEqual(any.map(answer => answer.headers.etag).sort(), ['"4.draft"', '"5.draft"', '"6.draft"'])
    assert.equal((await asOrganizer('PATCH', url, {}, { 'if-match': '*' })).statusCode, 400)
    const gone = await asOrganizer(
      'PATCH',
      '/v1/events/evt_00000000000000000000000000',
      { artist: 'A' },
      { 'if-match': '*' },
    )
    assert.equal(gone.statusCode, 404)
  })

  test('the map is fixed, and the currency once the event has left draft', async () => {
    const event = await addEvent({ name: 'Fixed' })
    const change = (body: object) => asOrganizer('PATCH', `/v1/events/${event.event_id}`, body, { 'if-match': '*' })
    assert.equal((await change({ seatmap_id: map.seatmap_id })).statusCode, 200)
    assert.equal((await change({ seatmap_id: 'map_00000000000000000000000000' })).json().code, 'seatmap-in-use')
    assert.equal((await change({ currency: 'EUR' })).statusCode, 200)
    await sale(event, { action: 'open' })
    assert.equal((await change({ currency: 'CHF' })).json().errors[0].path, 'currency')
    assert.equal((await change({ onsale_at: '2031-01-01T00:00:00Z' })).json().code, 'invalid-transition')
    assert.equal((await change({ description: 'x' })).statusCode, 200)
  })

  test('a price level keeps its number for ever, and one that seats are sold at cannot go', async () => {
    const event = await addEvent({ name: 'Levels' })
    const change = (price_levels: object[]) =>
      asOrganizer('PATCH', `/v1/events/${event.event_id}`, { price_levels }, { 'if-match': '*' })
    assert.equal((await change([...prices, { price_level: 'House', amount: 1 }])).statusCode, 200)
    assert.equal((await change([...prices, { price_level: 'Press', amount: 2 }])).statusCode, 200)
    assert.equal((await change([{ price_level: 'Front', amount: 9 }])).json().code, 'invalid-event')
    const cheaper = await change([prices[1]!, { price_level: 'House', amount: 7 }, { price_level: 'Front', amount: 9 }])
    assert.deepEqual(
      cheaper
        .json()
        .price_levels.map((level: { price_level: string; amount: number }) => [level.price_level, level.amount]),
      [
        ['Front', 9],
        ['Back', 3000],
        ['House', 7],
      ],
    )
    const definition = await catalog.definitions.byIdAsStaff(event.event_id)
    assert.deepEqual(
      definition!.priceLevels.map(({ no }) => no),
      [0, 1, 2],
    )
    assert.equal(definition!.levelKey(3), 'Press')
  })
})

suite('the sale', () => {
  test('goes from draft to its end, and refuses what makes no sense with what would', async () => {
    const event = await addEvent({ name: 'Way' })
    const act = async (action: string, extra: object = {}) => {
      const answer = await sale(event, { action, ...extra })
      return answer.statusCode === 200 ? answer.json().status : answer.json()
    }
    assert.deepEqual((await act('pause')).allowed, ['schedule', 'open'])
    assert.equal((await act('schedule')).code, 'invalid-event')
    assert.equal(
      (await act('schedule', { onsale_at: '2032-01-01T00:00:00Z' })).errors[0].message,
      'must be before starts_at',
    )
    assert.equal(await act('schedule', { onsale_at: '2031-04-01T10:00:00Z' }), 'scheduled')
    assert.equal(await act('schedule', { onsale_at: '2031-04-02T10:00:00Z' }), 'scheduled')
    assert.equal(await act('open'), 'onsale')
    const opened = (await get(`/v1/events/${event.event_id}`)).json() as Event
    assert.ok(Date.parse(opened.onsale_at!) <= Date.now() + 1000)
    assert.equal(await act('pause'), 'paused')
    const { event_status, allowed } = await act('open')
    assert.deepEqual([event_status, allowed], ['paused', ['resume', 'close']])
    assert.equal(await act('resume'), 'onsale')
    assert.equal(await act('close'), 'ended')
    assert.deepEqual((await act('open')).allowed, [])
    assert.equal(
      (await sale({ ...event, event_id: 'evt_00000000000000000000000000' }, { action: 'open' })).statusCode,
      404,
    )
  })

  test('a scheduled event is on sale by database time, without a change, and told no longer than that', async () => {
    const event = await addEvent({ name: 'Soon' })
    const { rows } = await db.query<{ now: number }>('select holdfast.clock() as now')
    const onsale_at = new Date(rows[0]!.now + 20_000).toISOString()
    assert.equal((await sale(event, { action: 'schedule', onsale_at })).json().status, 'scheduled')
    const before = await get(`/v1/events/${event.slug}`)
    assert.match(String(before.headers['cache-control']), /^public, max-age=1\d$/)
    assert.match(String((await get('/v1/events?q=soon')).headers['cache-control']), /^public, max-age=1\d$/)
    await advance(20_000)
    catalog.definitions.forget(inventories.at(-1)!.eventNo)
    const after = await get(`/v1/events/${event.slug}`, { 'if-none-match': String(before.headers.etag) })
    assert.deepEqual(
      [after.statusCode, after.json().status, after.headers['cache-control']],
      [200, 'onsale', 'public, max-age=30'],
    )
    assert.deepEqual(slugs((await get('/v1/events?q=soon&status=onsale')).json()), ['soon'])
    const refused = (await sale(event, { action: 'schedule', onsale_at })).json()
    assert.deepEqual([refused.code, refused.status, refused.event_status], ['invalid-transition', 409, 'onsale'])
    assert.equal((await sale(event, { action: 'pause' })).json().status, 'paused')
  })

  test('an If-Match that is out of date stops it', async () => {
    const event = await addEvent({ name: 'Guarded' })
    const url = `/v1/events/${event.event_id}/onsale`
    assert.equal((await asOrganizer('POST', url, { action: 'open' }, { 'if-match': '"7.draft"' })).statusCode, 412)
    assert.equal((await asOrganizer('POST', url, { action: 'open' }, { 'if-match': event.etag })).statusCode, 200)
  })
})

suite('search', () => {
  beforeEach(async () => {
    const { rows } = await db.query<{ n: number }>(
      `select count(*)::int4 as n from holdfast.events where slug like 'find-%'`,
    )
    if (rows[0]!.n > 0) return
    const found = (name: string, slug: string, day: number, artist?: string) =>
      addOnSale({ name, slug: `find-${slug}`, starts_at: `2030-06-0${day}T20:00:00Z`, ...(artist && { artist }) })
    await found('Nordlicht über Ørland', 'nordlicht', 1, 'Øyvind')
    await found('Das große Finale', 'finale', 2, 'Zoë Märchen')
    await found('Marching Bands', 'bands', 3)
    await found('Quiet Machines', 'quiet', 4)
    await found('Quiet Evening', 'evening', 5)
  })
  const search = async (query: string) =>
    slugs((await get(`/v1/events?${query}`)).json()).filter(slug => slug.startsWith('find-'))

  test('accents, case and half words do not matter', async () => {
    assert.deepEqual(await search('q=ZOE+marchen'), ['find-finale'])
    assert.deepEqual(await search('q=m%C3%A4rchen'), ['find-finale'])
    assert.deepEqual(await search('q=orland'), ['find-nordlicht'])
    assert.deepEqual(await search('q=grosse'), ['find-finale'])
    assert.deepEqual(await search('q=march'), ['find-finale', 'find-bands'])
    assert.equal((await search('q=zurich')).length, 5)
  })

  test('a typing error finds what looks alike, but only when nothing fits', async () => {
    assert.deepEqual(await search('q=nordlihct'), ['find-nordlicht'])
    assert.deepEqual(await search('q=quiet+mashines'), ['find-quiet', 'find-evening'])
    assert.deepEqual(await search('q=machines'), ['find-quiet'])
    assert.deepEqual(await search('q=xylophone'), [])
    assert.deepEqual(await search(`q=${encodeURIComponent(`'":*&|!()<-> \\`)}`), [])
  })

  test('city, day and status narrow the list', async () => {
    assert.deepEqual(await search('city=zurich&from=2030-06-02&to=2030-06-03'), ['find-finale', 'find-bands'])
    assert.deepEqual(await search('city=Basel'), [])
    assert.deepEqual(await search('status=paused&from=2030-06-01&to=2030-06-30'), [])
  })

  test('pages show every event once, in the order of their start', async () => {
    for (const filter of [
      'from=2030-06-01&to=2030-06-30',
      'q=zurich&from=2030-06-01&to=2030-06-30',
      'q=zurick&from=2030-06-01&to=2030-06-30',
    ]) {
      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page: EventList = (await get(`/v1/events?${filter}&limit=2${cursor && `&cursor=${cursor}`}`)).json()
        assert.ok(page.items.length <= 2)
        seen.push(...slugs(page))
        cursor = page.next_cursor
      }
      assert.deepEqual(seen, ['find-nordlicht', 'find-finale', 'find-bands', 'find-quiet', 'find-evening'], filter)
    }
  })

  test('a bad limit, cursor, day or status is a 400', async () => {
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'from=soon', 'status=draft', 'status=x']) {
      assert.equal((await get(`/v1/events?${query}`)).statusCode, 400, query)
    }
    assert.equal((await get('/v1/events?utm_source=mail&q=')).statusCode, 200)
  })
})

suite('what may be kept', () => {
  test('a copy that is still the same is a 304 without a body, of every kind', async () => {
    const event = await addOnSale({ name: 'Kept' })
    for (const url of [`/v1/events?q=kept`, `/v1/events/${event.slug}`, `/v1/events/${event.event_id}/seatmap?v=1`]) {
      const first = await get(url)
      assert.equal(first.statusCode, 200)
      const second = await get(url, { 'if-none-match': String(first.headers.etag) })
      assert.deepEqual([second.statusCode, second.body, second.headers.etag], [304, '', first.headers.etag], url)
      assert.equal((await get(url, { 'if-none-match': '"another"' })).statusCode, 200)
      assert.match(String(first.headers['cache-control']), /^public, max-age=\d+/)
    }
    const changed = await asOrganizer('PATCH', `/v1/events/${event.event_id}`, { artist: 'New' }, { 'if-match': '*' })
    assert.notEqual((await get(`/v1/events/${event.slug}`)).headers.etag, undefined)
    assert.equal((await get(`/v1/events/${event.slug}`)).headers.etag, changed.headers.etag)
  })

  test('geometry is for ever under its version, and only under that', async () => {
    const event = await addOnSale({ name: 'Geometry' })
    const kept = async (query: string) =>
      (await get(`/v1/events/${event.event_id}/seatmap${query}`)).headers['cache-control']
    assert.equal(await kept('?v=1'), 'public, max-age=31536000, immutable')
    for (const query of ['', '?v=2', '?v=0', '?v=01']) assert.equal(await kept(query), 'public, max-age=30')
    assert.equal((await get('/v1/events/evt_00000000000000000000000000/seatmap')).json().code, 'event-not-found')
  })

  test('geometry says the same in every encoding', async () => {
    const event = await addOnSale({ name: 'Encodings' })
    const read = (accept: string) =>
      app.inject({ url: `/v1/events/${event.slug}/seatmap?v=1`, headers: { 'accept-encoding': accept } })
    const [plain, gzip, brotli, refused] = await Promise.all([
      read('identity'),
      read('gzip'),
      read('gzip, br;q=1'),
      read('br;q=0'),
    ])
    assert.equal(gunzipSync(gzip!.rawPayload).toString(), plain!.body)
    assert.equal(brotliDecompressSync(brotli!.rawPayload).toString(), plain!.body)
    assert.deepEqual(
      [plain, gzip, brotli, refused].map(answer => answer!.headers['content-encoding']),
      [undefined, 'gzip', 'br', undefined],
    )
    assert.equal(plain!.headers.vary, 'Accept-Encoding')
    const { sections, areas, size } = plain!.json()
    assert.deepEqual(size, { width: 200, height: 100 })
    assert.deepEqual(sections[0].rows[1].seats[0], {
      seat_id: 'A-2-1',
      seat_no: 4,
      number: '1',
      x: 0,
      y: 12,
      price_level: 'Back',
      attributes: [],
    })
    assert.deepEqual(
      { ...areas[0], shape: null },
      { area_id: 'floor', name: 'Floor', capacity: 600, price_level: 'Back', shape: null },
    )
  })
})

suite('price levels of single seats', () => {
  const change = (event: Event, seatNos: number[], priceLevel: string) =>
    db.transaction(async tx => {
      const definition = (await catalog.definitions.byIdAsStaff(event.event_id))!
      const outcome = await catalog.setSeatPriceLevels(tx, definition, { seatNos, priceLevel })
      return { ...outcome, eventNo: definition.eventNo }
    })

  test('make a new geometry with the same seats in the same order', async () => {
    const event = await addOnSale({ name: 'Repriced' })
    const geometry = async (v: number) =>
      (await get(`/v1/events/${event.event_id}/seatmap?v=${v}`)).json().sections[0].rows
    const before = await geometry(1)
    const outcome = await change(event, [0, 1, 4], 'Back')
    assert.deepEqual([outcome.ok && outcome.value.changed], [2])
    const definition = (await catalog.definitions.refresh(outcome.eventNo))!
    assert.deepEqual(
      [definition.seatMapVersion, definition.version, [...definition.seatLevel]],
      [2, 3, [1, 1, 0, 0, 1, 1, 1, 1]],
    )
    const after = await geometry(2)
    const order = (rows: { seats: { seat_id: string; seat_no: number }[] }[]) =>
      rows.flatMap(row => row.seats.map(s => [s.seat_no, s.seat_id]))
    assert.deepEqual(order(after), order(before))
    assert.deepEqual([before[0].seats[0].price_level, after[0].seats[0].price_level], ['Front', 'Back'])
  })

  test('change nothing when the seats have that level already, and leave nothing behind when they return to it', async () => {
    const event = await addOnSale({ name: 'Unchanged' })
    assert.equal((await change(event, [0, 1], 'Front')).ok, true)
    const { eventNo } = await change(event, [0], 'Back')
    await catalog.definitions.refresh(eventNo)
    await change(event, [0, 1, 2], 'Front')
    assert.equal((await catalog.definitions.refresh(eventNo))!.seatMapVersion, 3)
    const { rowCount } = await db.query('select from holdfast.seat_price_levels where event_no = $1', [eventNo])
    assert.equal(rowCount, 0)
    const unknown = await change(event, [0], 'Loge')
    assert.deepEqual([unknown.ok, !unknown.ok && unknown.code], [false, 'unknown-price-level'])
  })

  test('a level that single seats are sold at cannot be withdrawn', async () => {
    const event = await addOnSale({ name: 'Withdrawn', price_levels: [...prices, { price_level: 'House', amount: 1 }] })
    await change(event, [3], 'House')
    const answer = await asOrganizer(
      'PATCH',
      `/v1/events/${event.event_id}`,
      { price_levels: prices },
      { 'if-match': '*' },
    )
    assert.deepEqual(answer.json().errors, [{ path: 'price_levels', message: 'lacks a price for "House"' }])
  })
})

test('maps of equal geometry are one object in memory, whichever import they came from', async () => {
  const again = (
    await asOrganizer('POST', `/v1/venues/${venue.venue_id}/seatmaps`, clubPlan())
  ).json() as SeatMapImported
  const other = (
    await asOrganizer('POST', `/v1/venues/${venue.venue_id}/seatmaps`, {
      ...clubPlan(),
      zones: [zone('Z')],
      holdfast: {},
    })
  ).json() as SeatMapImported
  const onlyFront = [{ price_level: 'Front', amount: 1 }]
  const events = [
    await addOnSale(),
    await addOnSale({ seatmap_id: again.seatmap_id }),
    await addOnSale({ seatmap_id: other.seatmap_id, price_levels: onlyFront }),
  ]
  const [a, b, c] = await Promise.all(events.map(({ event_id }) => catalog.definitions.byId(event_id)))
  assert.equal(a!.seatMap, b!.seatMap)
  assert.notEqual(a!.seatMap, c!.seatMap)
})
