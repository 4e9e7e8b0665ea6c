import type { Static } from 'typebox'
import type { Availability, SeatsOfSection } from '#contracts/availability.ts'
import type {
  Event,
  EventChange,
  EventList,
  NewEvent,
  NewVenue,
  SaleChange,
  SeatMap,
  SeatMapImported,
  Venue,
} from '#contracts/catalog.ts'
import type {
  Account,
  AccountSession,
  GuestSession,
  Login,
  Me,
  NewStaff,
  Signup,
  StaffChange,
} from '#contracts/identity.ts'
import type { Figures, ManifestAudit } from '#contracts/reports.ts'
import type {
  checkoutAnswer,
  HoldBody,
  Reservation,
  refundAnswer,
  refundBody,
  reservationList,
  seatsBulkAnswer,
  seatsBulkBody,
} from '#contracts/reservations.ts'
import type { DoorKeys, Ticket, TicketList } from '#contracts/tickets.ts'

// One story, told by operation: Ada holds two seats in the first row of the Town Hall. The compiler holds it to the contracts.

const userId = 'usr_01m81cv97hemhvbqg41xgfzpx4'
const venue: Venue = {
  venue_id: 'ven_01m81dgj4me2zt1z5v15qk4tm8',
  name: 'Town Hall',
  city: 'Bremen',
  country: 'DE',
  timezone: 'Europe/Berlin',
}
const { venue_id, ...newVenue } = venue

const newEvent: NewEvent = {
  venue_id,
  seatmap_id: 'map_01m81dgmkyf7brt9rc48ypxqz4',
  name: 'Øresund at the Town Hall',
  artist: 'Øresund Philharmonic',
  starts_at: '2027-05-01T19:30:00+02:00',
  onsale_at: '2027-03-01T10:00:00+01:00',
  currency: 'EUR',
  price_levels: [
    { price_level: 'Stalls', amount: 4900 },
    { price_level: 'Standing', amount: 2900 },
  ],
  ticket_limit: 6,
}

const event: Event = {
  event_id: 'evt_01m81cvdmsefj9ds7gt0y24q89',
  slug: 'oresund-at-the-town-hall',
  name: 'Øresund at the Town Hall',
  artist: 'Øresund Philharmonic',
  description: null,
  image_url: null,
  venue,
  starts_at: '2027-05-01T17:30:00.000Z',
  doors_at: null,
  onsale_at: '2027-03-01T09:00:00.000Z',
  status: 'onsale',
  currency: 'EUR',
  price_levels: [
    { price_level: 'Stalls', name: 'Stalls', amount: 4900, color: '#0072b2' },
    { price_level: 'Standing', name: 'Standing', amount: 2900, color: '#e69f00' },
  ],
  ticket_limit: 6,
  hold_policy: { hold_seconds: 600, max_extensions: 1, extension_seconds: 300, single_seat_rule: 'enforce' },
  late_payment: 'reclaim',
  returns: 'blocked',
  seatmap_id: 'map_01m81dgmkyf7brt9rc48ypxqz4',
  seatmap_version: 1,
  waiting_room: { state: 'off' },
}
const draft: Event = { ...event, status: 'draft' }

const seatMap: Static<typeof SeatMap> = {
  name: 'Town Hall',
  size: { width: 400, height: 300 },
  seat_radius: 5,
  sections: [
    {
      section: 'Stalls',
      rows: [
        {
          row: 'A',
          seats: [
            { seat_id: 'Stalls-A-1', seat_no: 0, number: '1', x: 60, y: 80, price_level: 'Stalls', attributes: [] },
            { seat_id: 'Stalls-A-2', seat_no: 1, number: '2', x: 72, y: 80, price_level: 'Stalls', attributes: [] },
          ],
        },
      ],
    },
  ],
  areas: [{ area_id: 'gallery', name: 'Gallery', capacity: 60, price_level: 'Standing', shape: null }],
  scenery: [],
}

/** The part of a seating plan that every plan has. */
const seatingPlan = {
  name: 'Town Hall',
  size: { width: 400, height: 300 },
  categories: [{ name: 'Stalls', color: '#0072b2' }],
  zones: [
    {
      name: 'Stalls',
      position: { x: 50, y: 70 },
      rows: [
        {
          row_number: 'A',
          position: { x: 10, y: 10 },
          seats: [
            { seat_guid: 'a1', seat_number: '1', position: { x: 0, y: 0 }, category: 'Stalls' },
            { seat_guid: 'a2', seat_number: '2', position: { x: 12, y: 0 }, category: 'Stalls' },
          ],
        },
      ],
      areas: [],
    },
  ],
}
const imported: SeatMapImported = { seatmap_id: event.seatmap_id, version: 1, seats: 2, areas: 0, warnings: [] }

const as_of = '2027-03-01T09:00:12.345Z'
const version = '7iSFHNGe.4'
const availability: Availability = {
  event_id: event.event_id,
  version,
  as_of,
  sections: [
    { section: 'Stalls', kind: 'seats', capacity: 240, available: 187, min_amount: 4900 },
    { section: 'Gallery', kind: 'area', area_id: 'gallery', capacity: 60, available: 12, min_amount: 2900 },
  ],
}
const seats: SeatsOfSection = {
  event_id: event.event_id,
  section: 'Stalls',
  version,
  as_of,
  seats: [
    {
      seat_id: 'Stalls-A-1',
      seat_no: 0,
      row: 'A',
      number: '1',
      price_level: 'Stalls',
      amount: 4900,
      status: 'held',
      attributes: ['aisle'],
    },
  ],
}

const itemOf = (number: string) => ({
  seat_id: `Stalls-A-${number}`,
  section: 'Stalls',
  row: 'A',
  number,
  price_level: 'Stalls',
  amount: 4900,
})
const reservation: Reservation = {
  reservation_id: 'rsv_01m81cwj4req28q4g000003zcp',
  event_id: event.event_id,
  state: 'pending_payment',
  items: [itemOf('1'), itemOf('2')],
  amount: 9800,
  currency: 'EUR',
  created_at: '2027-03-01T09:00:12.345Z',
  expires_at: '2027-03-01T09:10:12.345Z',
  server_time: '2027-03-01T09:00:12.345Z',
  extensions_left: 1,
}

const guest: GuestSession = { access_token: 'eyJhbGci…', token_type: 'Bearer', expires_in: 604_800, user_id: userId }
const session: AccountSession = { ...guest, expires_in: 3600, refresh_token: 'hfr_…' }
const credentials: Login = { email: 'ada@example.org', password: 'a sentence is a good password' }
const account: Account = {
  user_id: userId,
  email: credentials.email,
  name: 'Ada',
  role: 'customer',
  created_at: '2027-02-01T08:00:00.000Z',
}

const audit: ManifestAudit = {
  capacity: 300,
  available: 199,
  held: 53,
  reserved: 0,
  sold: 0,
  blocked: 48,
  balanced: true,
  oversold: 0,
  live_tickets: 0,
  captured_amount: 0,
  refunded_amount: 0,
  refund_pending_amount: 0,
  quarantined_amount: 0,
  ticket_value: 0,
  discrepancies: [],
  discrepancy_count: 0,
}

const counted = {
  holds: 26,
  places_held: 53,
  extended: 2,
  cancelled: 1,
  places_cancelled: 2,
  expired: 0,
  places_expired: 0,
  sales: 21,
  places_sold: 44,
  sold_amount: 264000,
  declined: 3,
  refunds: 0,
  refunded_amount: 0,
}
const figures: Figures = {
  event_id: event.event_id,
  as_of,
  totals: counted,
  minutes: [{ minute: '2027-03-01T09:00:00.000Z', ...counted }],
}

const paymentId = 'pay_01m81cwj4reffbr1980000028g'
const ticket = {
  ticket_id: 'tkt_01m81cwj4re3w8fy8000003adx',
  event_id: event.event_id,
  reservation_id: reservation.reservation_id,
  section: 'Stalls',
  row: 'A',
  number: '1',
  area_id: null,
  amount: 4900,
  currency: 'EUR',
  holder_name: 'Ada Lovelace',
  status: 'valid',
  issued_at: '2027-03-01T09:03:10.120Z',
  qr_payload:
    'W50000100000400D90TG3RTDUCEO8H000100SKL100.-EJF06JT1*B*PMT5H9LQ$FN8GTU/F*ZO%:ISSJA783/73Y3UYO:WF9PUML6 YF+ZP5567ZMPM38J52Y2B/28QC/9HC5HJ61',
}

/** What the reference shows, by `operationId`. */
export const examples: Record<string, { request?: object; answer?: object }> = {
  getConfig: {
    answer: {
      version: '0.1.0',
      payments: { provider: 'stripe', publishable_key: 'pk_test_…', sandbox_url: 'http://127.0.0.1:4242' },
    },
  },
  openGuestSession: { answer: guest },
  signUp: { request: { ...credentials, name: 'Ada' } satisfies Signup, answer: session },
  logIn: { request: credentials, answer: session },
  getMe: { answer: account satisfies Me },
  createStaff: {
    request: {
      email: 'ben@example.org',
      name: 'Ben',
      role: 'door',
      password: 'open the doors at seven',
    } satisfies NewStaff,
    answer: { ...account, email: 'ben@example.org', name: 'Ben', role: 'door' } satisfies Account,
  },
  changeStaff: {
    request: { role: 'support' } satisfies StaffChange,
    answer: { ...account, role: 'support' } satisfies Account,
  },
  listEvents: { answer: { items: [event], next_cursor: null } satisfies EventList },
  getEvent: { answer: event },
  getSeatMap: { answer: seatMap },
  createVenue: { request: newVenue satisfies NewVenue, answer: venue },
  importSeatMap: { request: seatingPlan, answer: imported },
  createEvent: { request: newEvent, answer: draft },
  changeEvent: { request: { description: 'An evening by the sea.' } satisfies EventChange, answer: event },
  changeSale: { request: { action: 'open' } satisfies SaleChange, answer: event },
  getAvailability: { answer: availability },
  listSeats: { answer: seats },
  holdSeats: {
    request: { event_id: event.event_id, seat_ids: ['Stalls-A-1', 'Stalls-A-2'] } satisfies HoldBody,
    answer: reservation,
  },
  getReservation: { answer: reservation },
  listMyReservations: {
    answer: { items: [reservation], next_cursor: null } satisfies Static<typeof reservationList>,
  },
  extendReservation: {
    answer: { ...reservation, expires_at: '2027-03-01T09:15:12.345Z', extensions_left: 0 },
  },
  changeSeats: {
    request: {
      select: { rows: [{ section: 'Stalls', row: 'A' }] },
      set: { blocked: { reason: 'camera platform' } },
    } satisfies Static<typeof seatsBulkBody>,
    answer: { changed: 18, refused: [{ seat_id: 'Stalls-A-1', status: 'held' }] } satisfies Static<
      typeof seatsBulkAnswer
    >,
  },
  checkOut: {
    request: { email: 'ada@example.org', name: 'Ada Lovelace' },
    answer: {
      payment_id: paymentId,
      provider: 'stripe',
      provider_ref: 'pi_3OaBcDeFgHiJkLmN',
      client_secret: 'pi_3OaBcDeFgHiJkLmN_secret_…',
      publishable_key: 'pk_test_…',
      amount: reservation.amount,
      currency: reservation.currency,
      status: 'open',
    } satisfies Static<typeof checkoutAnswer>,
  },
  refundReservation: {
    request: { reason: 'The buyer is ill.', tickets: [ticket.ticket_id] } satisfies Static<typeof refundBody>,
    answer: { refund_id: 'rfd_01m81cwj4rek5xkf4000003yq2', amount: 4900, status: 'pending' } satisfies Static<
      typeof refundAnswer
    >,
  },
  receiveWebhook: { answer: { received: true } },
  getTicket: { answer: ticket satisfies Ticket },
  listMyTickets: { answer: { items: [ticket], next_cursor: null } satisfies Static<typeof TicketList> },
  getDoorKeys: {
    answer: {
      keys: [
        {
          kid: '1a048af0ac97d497',
          key: 1,
          alg: 'Ed25519',
          public_key: 'hFLObQ2Umq5YU-qmWG6plUBCdmiljkpO6XiNN6WlJaU',
        },
      ],
    } satisfies DoorKeys,
  },
  auditEvent: { answer: audit },
  getFigures: { answer: figures },
}
