import type { Catalog } from '#catalog'
import type { ReservationId } from '#kernel/ids.ts'
import { eventNoOf } from '#kernel/ids.ts'
import type { ReadOrderFacts } from '#notifications'
import { findPaymentOf } from '#payments'
import type { Database } from '#platform/postgres/database.ts'
import { placesOf, type ReservationStore } from '#reservations'

/** What a mail to a buyer says of their order, as it is when the mail is written. */
export function readOrderFacts(deps: {
  db: Database
  store: Pick<ReservationStore, 'find'>
  definitions: Pick<Catalog['definitions'], 'byNo'>
  accessUrlOf: (reservationId: ReservationId) => string
}): ReadOrderFacts {
  return async ({ reservationId }) => {
    const eventNo = eventNoOf(reservationId)
    const [found, event] = await Promise.all([deps.store.find(eventNo, reservationId), deps.definitions.byNo(eventNo)])
    if (found === null || event === null) return null
    const payment = await findPaymentOf(deps.db, eventNo, reservationId)
    const { reservation } = found
    return {
      to: { email: payment?.email ?? null, name: payment?.name ?? '' },
      event: {
        name: event.name,
        startsAt: event.startsAt,
        timezone: event.venue.timezone,
        venue: { name: event.venue.name, city: event.venue.city },
      },
      items: placesOf(reservation, event).map(place =>
        place.kind === 'seat'
          ? { label: `${place.section}, row ${place.row}, seat ${place.number}`, amount: place.amount }
          : { label: `${place.areaId} × ${place.quantity}`, amount: place.amount * place.quantity },
      ),
      amount: reservation.amount,
      currency: reservation.currency,
      accessUrl: deps.accessUrlOf(reservationId),
      ...(reservation.state === 'pending_payment' && { expiresAt: reservation.expiresAt }),
    }
  }
}
