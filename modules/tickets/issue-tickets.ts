import { assert } from '#kernel/assert.ts'
import type { Clock } from '#kernel/clock.ts'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { SigningKey } from './code/signing-keys.ts'
import { signTicket } from './code/ticket-code.ts'
import { insertTickets, type TicketRecord, ticketsOfReservation, type VoidCommand, voidTickets } from './tickets.sql.ts'

/** What is sold: a seat, or places in an area, with what stands on the ticket. `amount` is the price of one. */
export type PlaceSold =
  | { kind: 'seat'; seatNo: number; section: string; row: string; number: string; priceLevel: number; amount: number }
  | { kind: 'area'; areaNo: number; areaId: string; quantity: number; priceLevel: number; amount: number }

export type Sale = {
  eventNo: number
  reservationId: ReservationId
  userId: UserId
  holderName: string
  currency: string
  places: readonly PlaceSold[]
  issuedAt: number
}

/**
 * Issues and voids, always in a transaction of the caller's: a ticket exists exactly if the sale does. Signed there and then, because a
 * ticket whose signature comes later is one that somebody may stand at the door without.
 */
export function ticketDesk(source: { clock: Clock; random: Random; currentKey: () => SigningKey }) {
  return {
    async issue(tx: Tx, sale: Sale): Promise<TicketRecord[]> {
      const key = source.currentKey()
      const tickets = sale.places.flatMap(place =>
        Array.from({ length: place.kind === 'seat' ? 1 : place.quantity }, () => ticketFor(place, sale, key)),
      )
      await insertTickets(tx, tickets)
      return tickets
    },

    async live(tx: Tx, eventNo: number, reservationId: ReservationId): Promise<TicketRecord[]> {
      return (await ticketsOfReservation(tx, eventNo, reservationId)).filter(ticket => ticket.status !== 'void')
    },

    async void(tx: Tx, command: VoidCommand): Promise<TicketRecord[]> {
      const voided = await voidTickets(tx, command)
      assert(
        voided.length === command.ticketIds.length,
        'tickets found live under the lock of their reservation can be voided',
      )
      return voided
    },
  }

  function ticketFor(place: PlaceSold, sale: Sale, key: SigningKey): TicketRecord {
    const ticketId = newId('tkt', source, sale.eventNo)
    const isSeat = place.kind === 'seat'
    const signature = signTicket(
      {
        keyNumber: key.number,
        eventNo: sale.eventNo,
        place: isSeat ? { seatNo: place.seatNo } : { areaNo: place.areaNo },
        ticketId,
        generation: 1,
      },
      key.privateKey,
    )
    return {
      eventNo: sale.eventNo,
      ticketId,
      reservationId: sale.reservationId,
      userId: sale.userId,
      seatNo: isSeat ? place.seatNo : null,
      areaNo: isSeat ? null : place.areaNo,
      section: isSeat ? place.section : null,
      row: isSeat ? place.row : null,
      number: isSeat ? place.number : null,
      areaId: isSeat ? null : place.areaId,
      status: 'valid',
      generation: 1,
      level: place.priceLevel,
      amount: place.amount,
      currency: sale.currency,
      holderName: sale.holderName,
      keyNumber: key.number,
      signature,
      issuedAt: sale.issuedAt,
      revision: 1,
    }
  }
}
