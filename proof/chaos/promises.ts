/** All that a buyer was ever told of one reservation, and what they asked for without hearing of it. */
export type Promised = {
  reservationId: string
  seatIds: readonly string[]
  /** Places in areas. */
  places: number
  expiresAt: number
  extendedUntil: number | null
  askedToCancel: boolean
  isCancelled: boolean
  /** Told that it is theirs, with these tickets. */
  tickets: readonly string[] | null
  askedForRefund: boolean
  refundId: string | null
}

/** What the record says when all is over. */
export type Kept = {
  reservations: ReadonlyMap<string, KeptReservation>
  tickets: ReadonlyMap<string, { reservationId: string; isLive: boolean }>
  refunds: ReadonlySet<string>
  /** Every change of every seat, in the order of its generations. */
  changes: ReadonlyMap<string, readonly SeatChange[]>
}
export type KeptReservation = {
  state: string
  firstEnd: number
  end: number
  endedAt: number | null
  seatIds: readonly string[]
  places: number
  liveTickets: number
  /** A payment was opened: from then on the bank decides how long it lasts. */
  hasPayment: boolean
}
export type SeatChange = {
  generation: number
  type: string
  reservationId: string | null
  at: number
  heldUntil: number | null
}

/** Times in the record are rounded to it. */
const roundingMs = 1

/** One sentence for each acknowledged write that the record does not have. */
export function lostPromises(promised: Iterable<Promised>, kept: Kept): string[] {
  return [...promised].flatMap(one => {
    const row = kept.reservations.get(one.reservationId)
    const what = row === undefined ? ['is gone'] : [...missing(one, row, kept)]
    return what.map(lost => `${one.reservationId} ${lost}`)
  })
}

function* missing(one: Promised, row: KeptReservation, kept: Kept): Generator<string> {
  if (row.seatIds.toSorted().join() !== one.seatIds.toSorted().join()) yield 'has other seats than it was given'
  if (row.places !== one.places) yield 'has another number of places than it was given'
  if (row.firstEnd !== one.expiresAt) yield 'has another end than was promised'
  const until = Math.max(one.expiresAt, one.extendedUntil ?? 0)
  if (row.end < until) yield 'lost its extension'
  const isOver = row.state === 'expired' || row.state === 'cancelled'
  if (isOver && !row.hasPayment && !one.askedToCancel && (row.endedAt ?? 0) + roundingMs < until)
    yield `was ended ${until - row.endedAt!} ms before its time`
  if (row.state === 'cancelled' && !row.hasPayment && !one.askedToCancel) yield 'was cancelled by nobody'
  if (one.isCancelled && !isOver) yield `was cancelled and is ${row.state}`
  if (one.tickets !== null) {
    if (row.state !== 'confirmed') yield `was confirmed and is ${row.state}`
    for (const id of one.tickets) {
      const ticket = kept.tickets.get(id)
      if (ticket?.reservationId !== one.reservationId) yield `lost its ticket ${id}`
      else if (!ticket.isLive && !one.askedForRefund) yield `has a ticket that nobody gave back: ${id}`
    }
    if (!one.askedForRefund && row.liveTickets !== one.seatIds.length + one.places)
      yield `has ${row.liveTickets} tickets for ${one.seatIds.length + one.places} places`
  }
  if (one.refundId !== null && !kept.refunds.has(one.refundId)) yield `lost its refund ${one.refundId}`
}

const takes = new Set(['ReservationCreated', 'ReservationExtended', 'SeatsReserved', 'SeatsSold'])
const ends = new Set(['ReservationExpired', 'ReservationCancelled'])

/** One sentence for each time that a seat was given to one while it was another's, or taken from its holder. */
export function seatsInTwoHands(changes: Kept['changes']): string[] {
  return [...changes].flatMap(([seatId, ofSeat]) => [...troubles(ofSeat)].map(trouble => `${seatId} ${trouble}`))
}

function* troubles(changes: readonly SeatChange[]): Generator<string> {
  let holder: string | null = null
  let until: number | null = null
  for (const [i, { generation, type, reservationId, at, heldUntil }] of changes.entries()) {
    if (generation !== i + 1) yield `has change ${generation} where ${i + 1} belongs`
    const isOthers = holder !== null && holder !== reservationId && (until === null || at + roundingMs < until)
    if (takes.has(type)) {
      if (isOthers) yield `went to ${reservationId} while it was ${holder}'s`
      holder = reservationId
      until = heldUntil
    } else if (ends.has(type)) {
      if (isOthers) yield `was freed by ${reservationId} while it was ${holder}'s`
      else if (type === 'ReservationExpired' && until !== null && at + roundingMs < until)
        yield `was taken from ${holder} ${until - at} ms before its time`
      holder = null
    } else holder = null
  }
}
