import type { SeatStatus } from '../ports.ts'
import { reservationTransitions } from '../reservation.ts'
import { seatTransitions } from '../seat.ts'
import type { Tables } from './stand.ts'

/**
 * What must hold of the tables whatever happened, each broken rule as a sentence. Knows nothing of how a store works.
 */
export function brokenRules(tables: Tables, now: number): string[] {
  return [
    ...seatsAndHolders(tables, now),
    ...areaCounters(tables),
    ...reservationsOfUsers(tables, now),
    ...toldChanges(tables),
  ]
}

const seatName = (seat: { eventNo: number; seatNo: number }) => `${seat.eventNo}/${seat.seatNo}`

function seatsAndHolders({ seats, seatBlocks, reservations }: Tables, now: number): string[] {
  const broken: string[] = []
  const bySeat = new Map(seats.map(seat => [seatName(seat), seat]))
  const holderOf = new Map<string, string>()
  for (const reservation of reservations) {
    const { eventNo, reservationId, state, expiresAt } = reservation
    if (state !== 'confirmed' && !(state === 'pending_payment' && expiresAt > now)) continue
    for (const { seatNo } of reservation.seats) {
      const name = seatName({ eventNo, seatNo })
      const other = holderOf.get(name)
      if (other !== undefined) broken.push(`seat ${name} has two live holders, ${other} and ${reservationId}`)
      holderOf.set(name, reservationId)
      const seat = bySeat.get(name)
      if (seat?.reservationId !== reservationId)
        broken.push(`${reservationId} is live without its seat ${name} (${seat?.status} ${seat?.reservationId})`)
      else if (state === 'pending_payment' && seat.heldUntil !== expiresAt)
        broken.push(`seat ${name} and its reservation ${reservationId} end at different times`)
    }
  }
  for (const seat of seats) {
    const isHeld = seat.status === 'held' && seat.heldUntil! > now
    if (isHeld && holderOf.get(seatName(seat)) !== seat.reservationId)
      broken.push(`seat ${seatName(seat)} is held by ${seat.reservationId}, which is not live or does not list it`)
  }
  const reasons = new Set(seatBlocks.map(seatName))
  for (const seat of seats)
    if ((seat.status === 'blocked') !== reasons.has(seatName(seat)))
      broken.push(
        `seat ${seatName(seat)} is ${seat.status} ${reasons.has(seatName(seat)) ? 'with' : 'without'} a reason`,
      )
  return broken
}

function areaCounters({ areas, reservations }: Tables): string[] {
  return areas.flatMap(area => {
    const name = `${area.eventNo}/${area.areaNo}`
    const taken = reservations
      .filter(row => row.eventNo === area.eventNo && (row.state === 'pending_payment' || row.state === 'confirmed'))
      .flatMap(row => row.areas.filter(item => item.areaNo === area.areaNo))
      .reduce((sum, item) => sum + item.quantity, 0)
    const broken: string[] = []
    if (area.available < 0 || area.available > area.capacity)
      broken.push(`area ${name} has ${area.available} of ${area.capacity} places available`)
    if (area.available !== area.capacity - taken)
      broken.push(`area ${name} counts ${area.available} available where ${area.capacity - taken} are`)
    return broken
  })
}

function reservationsOfUsers({ reservations }: Tables, now: number): string[] {
  const broken: string[] = []
  const live = new Set<string>()
  const keys = new Set<string>()
  for (const row of reservations) {
    const user = `${row.eventNo}/${row.userId}`
    if (keys.has(`${user}/${row.keyHash}`)) broken.push(`a key of ${user} made two reservations`)
    keys.add(`${user}/${row.keyHash}`)
    if (row.state !== 'pending_payment' || row.expiresAt <= now) continue
    if (live.has(user)) broken.push(`${user} has two live holds`)
    live.add(user)
  }
  return broken
}

const seatAfter: Record<string, SeatStatus> = {
  ReservationCreated: 'held',
  ReservationExtended: 'held',
  ReservationExpired: 'available',
  ReservationCancelled: 'available',
  SeatsSetAside: 'blocked',
  SeatsReleased: 'available',
}

const stateAfter: Record<string, Tables['reservations'][number]['state']> = {
  ReservationCreated: 'pending_payment',
  ReservationExtended: 'pending_payment',
  ReservationExpired: 'expired',
  ReservationCancelled: 'cancelled',
}

/** The outbox tells every change once, in the order in which it happened, and nothing that did not. */
function toldChanges({ seats, reservations, outbox }: Tables): string[] {
  const broken: string[] = []
  const seen = new Map<string, { generation: number; type: string; subject: string | null; heldUntil: number | null }>()
  const revisions = new Map<string, { revision: number; state: keyof typeof reservationTransitions }>()
  for (const { eventNo, type, subject, revision, seatNos, seatGenerations, heldUntil } of outbox) {
    for (const [i, seatNo] of seatNos.entries()) {
      const name = seatName({ eventNo, seatNo })
      const generation = seatGenerations[i]!
      const expected = (seen.get(name)?.generation ?? 0) + 1
      const [from, to] = [seatAfter[seen.get(name)?.type ?? ''], seatAfter[type]!]
      if (from !== undefined && !seatTransitions[from].includes(to))
        broken.push(`seat ${name} went from ${from} to ${to}`)
      if (generation !== expected) broken.push(`seat ${name} was told at ${generation} where ${expected} came next`)
      seen.set(name, { generation, type, subject, heldUntil })
    }
    if (subject === null) continue
    const before = revisions.get(subject)
    const state = stateAfter[type]!
    if (revision !== (before?.revision ?? 0) + 1) broken.push(`${subject} was told at ${revision} out of order`)
    if (before !== undefined && before.state !== state && !reservationTransitions[before.state].includes(state))
      broken.push(`${subject} went from ${before.state} to ${state}`)
    if (before !== undefined && before.state !== 'pending_payment') broken.push(`${subject} was told of after its end`)
    revisions.set(subject, { revision, state })
  }
  for (const seat of seats) {
    const last = seen.get(seatName(seat))
    if ((last?.generation ?? 0) !== seat.generation) {
      broken.push(`seat ${seatName(seat)} is at ${seat.generation} and told to be at ${last?.generation ?? 0}`)
      continue
    }
    if (last === undefined) continue
    const after = seatAfter[last.type]!
    const told = after === 'held' ? `held by ${last.subject} until ${last.heldUntil}` : after
    const is = seat.status === 'held' ? `held by ${seat.reservationId} until ${seat.heldUntil}` : seat.status
    if (told !== is) broken.push(`seat ${seatName(seat)} is ${is} and told to be ${told}`)
  }
  for (const row of reservations) {
    const last = revisions.get(row.reservationId)
    if (last?.revision !== row.revision || last.state !== row.state)
      broken.push(`${row.reservationId} is ${row.state} at ${row.revision}, told ${last?.state} at ${last?.revision}`)
  }
  return broken
}
