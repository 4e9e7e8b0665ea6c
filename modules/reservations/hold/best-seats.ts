import type { EventSeats } from '#availability'
import type { EventDefinition } from '#catalog'
import type { HoldBody } from '#contracts/reservations.ts'
import type { Random } from '#kernel/random.ts'
import { BestAvailable, rowsToSkip } from '../best-available.ts'
import { priced, type Selection } from './selection.ts'

export type BestSeats = {
  /** Seats for the wish that `isFree` calls free, with their prices; `no-match` when there are none. */
  choose(question: {
    definition: EventDefinition
    seats: EventSeats
    wish: NonNullable<HoldBody['best_available']>
    /** Grows while the same wish loses its seats to others. */
    attempt: number
    isFree: (seatNo: number) => boolean
  }): Selection
  /** To be told of claims made and let go; shown states it follows by itself. */
  changed(eventNo: number, seatNos: readonly number[]): void
}

/** Keeps the search structure of each event that somebody asks of, for the present version of its price levels. */
export function createBestSeats({ random }: { random: Random }): BestSeats {
  const houses = new Map<number, { definition: EventDefinition; seats: EventSeats; best: BestAvailable }>()
  const followed = new WeakSet<EventSeats>()

  function houseOf(definition: EventDefinition, seats: EventSeats): BestAvailable {
    const known = houses.get(definition.eventNo)
    if (known !== undefined && known.definition === definition && known.seats === seats) return known.best
    const amounts = new Map(definition.priceLevels.map(level => [level.no, level.amount]))
    const best = new BestAvailable({
      map: definition.seatMap,
      levelOf: seatNo => definition.seatLevel[seatNo]!,
      amountOf: level => amounts.get(level) ?? Number.POSITIVE_INFINITY,
      rule: definition.holdPolicy.single_seat_rule,
    })
    houses.set(definition.eventNo, { definition, seats, best })
    if (!followed.has(seats)) {
      followed.add(seats)
      seats.onShown(seatNo => houses.get(seats.eventNo)?.best.changed(seatNo))
    }
    return best
  }

  return {
    choose({ definition, seats, wish, attempt, isFree }) {
      const section = wish.section === undefined ? undefined : definition.seatMap.sectionNoOf(wish.section)
      const level =
        wish.price_level === undefined
          ? undefined
          : definition.priceLevels.find(known => known.key === wish.price_level)?.no
      if (section === -1 || (wish.price_level !== undefined && level === undefined))
        return { ok: false, code: 'no-match' }
      const found = houseOf(definition, seats).find(
        {
          quantity: wish.quantity,
          together: wish.together ?? true,
          section,
          level,
          maxAmount: wish.max_amount,
          accessible: wish.accessible,
        },
        isFree,
        rowsToSkip(attempt, random),
      )
      return found === null ? { ok: false, code: 'no-match' } : priced(definition, found)
    },
    changed(eventNo, seatNos) {
      const best = houses.get(eventNo)?.best
      if (best !== undefined) for (const seatNo of seatNos) best.changed(seatNo)
    },
  }
}
