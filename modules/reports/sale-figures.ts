import type { MessageOf } from '#contracts/messages.ts'
import type { EventId } from '#kernel/ids.ts'
import type { Consumer } from '#platform/messages/consumer.ts'
import { addFigures, type FigureName, figureNames, type MinuteFigures } from './figures.sql.ts'

const types = [
  'ReservationCreated',
  'ReservationExtended',
  'ReservationCancelled',
  'ReservationExpired',
  'SeatsSold',
  'PaymentFailed',
  'PaymentRefunded',
] as const
type Told = { [Name in (typeof types)[number]]: MessageOf<Name> }[(typeof types)[number]]

/** Counts what happens to reservations and their money, by event and minute. */
export const saleFigures: Consumer = {
  name: 'sale-figures',
  types,
  from: 'beginning',
  async handle(tx, messages) {
    const additions = new Map<string, { eventId: EventId; minute: string; figures: MinuteFigures }>()
    for (const message of messages as unknown as readonly Told[]) {
      const minute = `${message.time.slice(0, 16)}:00Z`
      const eventId = message.data.event_id as EventId
      const key = `${eventId} ${minute}`
      const addition = additions.get(key) ?? { eventId, minute, figures: noFigures() }
      additions.set(key, addition)
      for (const [name, by] of countsOf(message)) addition.figures[name] += by
    }
    await addFigures(tx, [...additions.values()])
  },
}

function countsOf(message: Told): [FigureName, number][] {
  switch (message.type) {
    case 'ReservationCreated':
      return [
        ['holds', 1],
        ['places_held', message.data.quantity],
      ]
    case 'ReservationExtended':
      return [['extended', 1]]
    case 'ReservationCancelled':
      return [
        ['cancelled', 1],
        ['places_cancelled', message.data.quantity],
      ]
    case 'ReservationExpired':
      return [
        ['expired', 1],
        ['places_expired', message.data.quantity],
      ]
    case 'SeatsSold':
      return [
        ['sales', 1],
        ['places_sold', message.data.quantity],
        ['sold_amount', message.data.amount],
      ]
    case 'PaymentFailed':
      return message.data.reason === 'declined' ? [['declined', 1]] : []
    case 'PaymentRefunded':
      return [
        ['refunds', 1],
        ['refunded_amount', message.data.amount],
      ]
  }
}

function noFigures(): MinuteFigures {
  return Object.fromEntries(figureNames.map(name => [name, 0])) as MinuteFigures
}
