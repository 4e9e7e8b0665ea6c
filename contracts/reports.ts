import Type, { type Static } from 'typebox'

const count = (description: string) => Type.Integer({ minimum: 0, description })

const counts = {
  holds: count('Reservations made.'),
  places_held: count('Places in them, seats and general admission.'),
  extended: count('Holds given more time.'),
  cancelled: count('Reservations given up or replaced.'),
  places_cancelled: count('Places in those.'),
  expired: count('Reservations that ran out.'),
  places_expired: count('Places in those.'),
}

/** `GET /v1/events/{id}/figures`. */
export const Figures = Type.Object({
  event_id: Type.String(),
  as_of: Type.String({
    format: 'date-time',
    description: 'When they were read; they follow the sale by a second or two.',
  }),
  totals: Type.Object(counts, { description: 'Since the event was made.' }),
  minutes: Type.Array(
    Type.Object({ minute: Type.String({ format: 'date-time', description: 'Its beginning.' }), ...counts }),
    { description: 'Oldest first; a minute in which nothing happened is left out.' },
  ),
})
export type Figures = Static<typeof Figures>
