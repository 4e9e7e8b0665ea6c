import { type Static, Type } from 'typebox'

/** What is free, for everybody: counts, seats, and the words of the stream. */

const version = Type.String({ description: 'Opaque. Another one whenever something visible changed.' })
const as_of = Type.String({ format: 'date-time', description: 'Everything that was decided before is in here.' })

export const AvailabilitySection = Type.Object({
  section: Type.String({ description: 'Name of the section or area.' }),
  kind: Type.Enum(['seats', 'area']),
  area_id: Type.Optional(Type.String({ description: 'Of an area, to reserve places in it.' })),
  capacity: Type.Integer(),
  available: Type.Integer(),
  min_amount: Type.Integer({ description: 'Of what is free; of all when nothing is. Minor units.' }),
})
export type AvailabilitySection = Static<typeof AvailabilitySection>

export const Availability = Type.Object({
  event_id: Type.String(),
  version,
  as_of,
  sections: Type.Array(AvailabilitySection),
})
export type Availability = Static<typeof Availability>

export const SeatOfSection = Type.Object({
  seat_id: Type.String(),
  seat_no: Type.Integer({ description: 'Place of the seat in the snapshot.' }),
  row: Type.String(),
  number: Type.String(),
  price_level: Type.String(),
  amount: Type.Integer({ description: 'What the fan pays, in minor units.' }),
  status: Type.Enum(['available', 'held', 'reserved', 'sold', 'blocked']),
  attributes: Type.Array(Type.String()),
})
export type SeatOfSection = Static<typeof SeatOfSection>

export const SeatsOfSection = Type.Object({
  event_id: Type.String(),
  section: Type.String(),
  version,
  as_of,
  seats: Type.Array(SeatOfSection),
})
export type SeatsOfSection = Static<typeof SeatsOfSection>

export const SeatsQuery = Type.Object({
  section: Type.String({ minLength: 1, maxLength: 200, description: 'Name of a section of the seat map.' }),
})

/** `event: delta` of the stream. States as in the snapshot: 0 available, 1 held or reserved, 2 sold, 3 blocked. */
export type AvailabilityDelta = {
  version: string
  changes: [seatNo: number, state: number][]
  /** What is left in the areas that changed. */
  areas: Record<string, number>
}

/** `event: resync`: fetch the snapshot. */
export type AvailabilityResync = { version: string }
