import { type Static, Type } from 'typebox'

/** Bodies of the catalogue: what organisers send and what everybody reads. */

const text = (maxLength: number, description?: string) => Type.String({ minLength: 1, maxLength, description })
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })
const amount = Type.Integer({
  minimum: 0,
  maximum: 1_000_000_000,
  description: 'What the fan pays, in minor units of the currency.',
})

export const Venue = Type.Object({
  venue_id: Type.String(),
  name: Type.String(),
  city: Type.String(),
  country: Type.String({ description: 'ISO 3166-1 alpha-2.' }),
  timezone: Type.String({ description: 'IANA name.' }),
})
export type Venue = Static<typeof Venue>

export const NewVenue = Type.Object(
  {
    name: text(200),
    city: text(200),
    country: Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2, such as DE.' }),
    timezone: text(64, 'IANA name, such as Europe/Berlin.'),
  },
  { additionalProperties: false },
)
export type NewVenue = Static<typeof NewVenue>

const Place = Type.Object({
  path: Type.Optional(Type.String({ description: 'Of a plan: `zones[3].rows[2].seats[14].category`.' })),
  line: Type.Optional(Type.Integer({ description: 'Of a manifest.' })),
  message: Type.String(),
})

export const SeatMapImported = Type.Object({
  seatmap_id: Type.String(),
  version: Type.Integer({ description: 'Counts the seat maps of the venue.' }),
  seats: Type.Integer(),
  areas: Type.Integer(),
  warnings: Type.Array(Place),
})
export type SeatMapImported = Static<typeof SeatMapImported>

const seconds = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }))

const HoldPolicyGiven = Type.Object(
  {
    hold_seconds: seconds(1, 86_400, 'How long a hold lasts. Default 600.'),
    max_extensions: seconds(0, 20, 'How often a hold may be extended. Default 1.'),
    extension_seconds: seconds(1, 86_400, 'How much an extension adds. Default 300.'),
    single_seat_rule: Type.Optional(
      Type.Enum(['enforce', 'allow'], { description: 'Whether a choice may leave a lone free seat. Default enforce.' }),
    ),
  },
  { additionalProperties: false },
)

const PriceLevelGiven = Type.Object(
  {
    price_level: text(200, 'A category of the seat map, or a level for later use with seats:bulk.'),
    name: Type.Optional(text(200, 'As fans read it. Default: the level itself.')),
    amount,
  },
  { additionalProperties: false },
)

const eventFields = {
  name: text(200),
  slug: Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$', maxLength: 100 }),
  artist: orNull(text(200)),
  description: orNull(text(10_000)),
  image_url: orNull(Type.String({ format: 'uri', pattern: '^https?://', maxLength: 2000 })),
  starts_at: time('RFC 3339 with an offset.'),
  doors_at: orNull(time('RFC 3339 with an offset.')),
  onsale_at: orNull(time('RFC 3339 with an offset.')),
  currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217.' }),
  price_levels: Type.Array(PriceLevelGiven, { minItems: 1, maxItems: 100 }),
  ticket_limit: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    description: 'Live holds and tickets of one user in the event. Default 10.',
  }),
  hold_policy: HoldPolicyGiven,
  late_payment: Type.Enum(['reclaim', 'refund'], {
    description: 'Whether a payment that comes late takes the seats again if it can. Default reclaim.',
  }),
  returns: Type.Enum(['blocked', 'available'], {
    description:
      'Whether a refunded place is set aside for staff to look at, or on sale again at once. Default blocked.',
  }),
}

const { name, starts_at, currency, price_levels, ...optional } = eventFields
export const NewEvent = Type.Object(
  {
    venue_id: Type.String(),
    seatmap_id: Type.String(),
    ...{ name, starts_at, currency, price_levels },
    ...Type.Partial(Type.Object(optional)).properties,
  },
  { additionalProperties: false },
)
export type NewEvent = Static<typeof NewEvent>

export const EventChange = Type.Partial(Type.Object({ ...eventFields, seatmap_id: Type.String() }), {
  additionalProperties: false,
  minProperties: 1,
})
export type EventChange = Static<typeof EventChange>

export const SaleChange = Type.Object(
  {
    action: Type.Enum(['schedule', 'open', 'pause', 'resume', 'close']),
    onsale_at: Type.Optional(time('For `schedule`, if the event has none yet.')),
  },
  { additionalProperties: false },
)
export type SaleChange = Static<typeof SaleChange>

export const Event = Type.Object({
  event_id: Type.String(),
  slug: Type.String(),
  name: Type.String(),
  artist: orNull(Type.String()),
  description: orNull(Type.String()),
  image_url: orNull(Type.String()),
  venue: Venue,
  starts_at: Type.String({ format: 'date-time' }),
  doors_at: orNull(Type.String({ format: 'date-time' })),
  onsale_at: orNull(Type.String({ format: 'date-time' })),
  status: Type.Enum(['draft', 'scheduled', 'onsale', 'paused', 'ended', 'cancelled']),
  currency: Type.String(),
  price_levels: Type.Array(
    Type.Object({ price_level: Type.String(), name: Type.String(), amount, color: Type.String() }),
  ),
  ticket_limit: Type.Integer(),
  hold_policy: Type.Object({
    hold_seconds: Type.Integer(),
    max_extensions: Type.Integer(),
    extension_seconds: Type.Integer(),
    single_seat_rule: Type.Enum(['enforce', 'allow']),
  }),
  late_payment: Type.Enum(['reclaim', 'refund']),
  returns: Type.Enum(['blocked', 'available']),
  seatmap_id: Type.String(),
  seatmap_version: Type.Integer({ description: 'Names the geometry: `/seatmap?v=`.' }),
  waiting_room: Type.Object({ state: Type.String() }),
})
export type Event = Static<typeof Event>

export const EventList = Type.Object({ items: Type.Array(Event), next_cursor: orNull(Type.String()) })
export type EventList = Static<typeof EventList>

const day = 'A date, or an RFC 3339 time.'
export const EventQuery = Type.Object({
  q: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'Words of name, artist, place or description; forgives accents and typos.',
    }),
  ),
  city: Type.Optional(Type.String({ maxLength: 200 })),
  from: Type.Optional(text(40, `${day} Events that start then or later.`)),
  to: Type.Optional(text(40, `${day} Events that start then or earlier; of a date, the whole day.`)),
  status: Type.Optional(Type.Enum(['scheduled', 'onsale', 'paused', 'ended', 'cancelled'])),
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  cursor: Type.Optional(text(500)),
})
export type EventQuery = Static<typeof EventQuery>

const position = Type.Object({ x: Type.Number(), y: Type.Number() })
const Shape = Type.Object(
  { shape: Type.Enum(['rectangle', 'circle', 'ellipse', 'polygon', 'text']), position },
  {
    additionalProperties: true,
    description: 'As in the seating-plan format; `position` is from the origin of the map.',
  },
)

export const SeatMap = Type.Object({
  name: Type.String(),
  size: Type.Object({ width: Type.Number(), height: Type.Number() }),
  seat_radius: Type.Number(),
  sections: Type.Array(
    Type.Object({
      section: Type.String(),
      rows: Type.Array(
        Type.Object({
          row: Type.String(),
          seats: Type.Array(
            Type.Object({
              seat_id: Type.String(),
              seat_no: Type.Integer({ description: 'Place of the seat in the snapshot of availability.' }),
              number: Type.String(),
              x: Type.Number(),
              y: Type.Number(),
              price_level: Type.String(),
              attributes: Type.Array(Type.String()),
            }),
          ),
        }),
      ),
    }),
  ),
  areas: Type.Array(
    Type.Object({
      area_id: Type.String(),
      name: Type.String(),
      capacity: Type.Integer(),
      price_level: Type.String(),
      shape: orNull(Shape),
    }),
  ),
  scenery: Type.Array(Shape),
})

/** Which seats of an event: sections, rows and single seats together. */
export const SeatSelection = Type.Object(
  {
    sections: Type.Optional(Type.Array(text(64), { minItems: 1, maxItems: 2000 })),
    rows: Type.Optional(
      Type.Array(Type.Object({ section: text(64), row: text(64) }, { additionalProperties: false }), {
        minItems: 1,
        maxItems: 2000,
      }),
    ),
    seat_ids: Type.Optional(Type.Array(text(64), { minItems: 1, maxItems: 2000, uniqueItems: true })),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type SeatSelection = Static<typeof SeatSelection>
