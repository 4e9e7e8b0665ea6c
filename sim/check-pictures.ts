import { newId } from '#kernel/ids.ts'
import { areas, seats } from '#reservations/memory'
import type { Chance } from './chance.ts'
import type { Town } from './town.ts'

/** What each process has in memory of the seats is what the tables say, once nothing happens any more. */
export function checkPictures(town: Town): string[] {
  const { database, eventNo } = town
  return town.offices.flatMap(({ name, availability }) => {
    const picture = availability.get(eventNo)
    if (picture === undefined) return []
    const wrong = database.rows(seats).flatMap(({ seatNo, status, generation }) => {
      const known = { status: picture.status(seatNo), generation: picture.generation(seatNo) }
      if (known.status === status && known.generation === generation) return []
      return [`${name} knows seat ${seatNo} as ${known.status} (${known.generation}); it is ${status} (${generation})`]
    })
    for (const { areaNo, available } of database.rows(areas))
      if (picture.areaAvailable[areaNo] !== available)
        wrong.push(`${name} knows of ${picture.areaAvailable[areaNo]} places of area ${areaNo}; there are ${available}`)
    return wrong
  })
}

/**
 * What a process knows of a seat never goes back to what it was before, whatever is told late or twice. Looked at whenever a seat looks
 * different, once all is learned that was told together: tables read again may be older than what came meanwhile.
 *
 * @param watched the pictures that are looked at already
 */
export function watchPictures(town: Town, watched: WeakSet<object>): void {
  for (const { name, availability } of town.offices) {
    const picture = availability.get(town.eventNo)
    if (picture === undefined || watched.has(picture)) continue
    watched.add(picture)
    const newest = new Uint32Array(town.plan.seats)
    const look = (seatNo: number) => {
      const generation = picture.generation(seatNo)
      if (generation < newest[seatNo]!)
        town.violations.push(`${name} knew seat ${seatNo} at ${newest[seatNo]} and believes what was at ${generation}`)
      else newest[seatNo] = generation
    }
    picture.onShown(seatNo => queueMicrotask(() => look(seatNo)))
  }
}

/** Nobody is refused what is free, at any process, by name or by wish; whoever comes last gets the last seat. */
export async function checkFreeIsGiven(town: Town, chance: Chance): Promise<string[]> {
  const { database, definition, timeline, eventNo } = town
  const wrong: string[] = []
  for (const office of town.offices) {
    const free = database.rows(seats).filter(seat => seat.status === 'available')
    if (free.length === 0) return wrong
    const userId = newId('usr', { clock: timeline, random: chance })
    const seatId = definition.seatMap.seatIdOf(chance.any(free).seatNo)
    const wish = chance.happens(0.5) ? { best_available: { quantity: 1 } } : { seat_ids: [seatId] }
    const idempotencyKey = chance.bytes(16).toString('hex')
    const body = { event_id: definition.eventId, ...wish }
    const held = await office.reservations.holdSeats({ userId, idempotencyKey, body, isGone: () => false })
    if (!held.ok && held.code !== 'seat-rule') {
      wrong.push(`${office.name} refuses ${JSON.stringify(wish)} with ${held.code}, and ${free.length} seats are free`)
      continue
    }
    if (!held.ok) continue
    const { reservationId } = held.reservation
    const cancelled = await office.store.cancel({ eventNo, reservationId, userId })
    if (!cancelled.ok) wrong.push(`what ${office.name} has given cannot be cancelled: ${cancelled.code}`)
  }
  return wrong
}
