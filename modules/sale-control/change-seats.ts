import type { EventDefinition } from '#catalog'
import type { Answer, Denial } from '#platform/idempotency/index.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { lockUnheldSeats, setSeatsAsideIn } from '#reservations'
import type { SaleControlOptions } from './index.ts'

type Change = {
  definition: EventDefinition
  seatNos: number[]
  /** One of them. */
  set: { price_level?: string; blocked?: { reason: string }; available?: true }
}

/** One change of many seats in one transaction. Every process, this one too, learns of it from the change feed. */
export async function changeSeats(tx: Tx, options: SaleControlOptions, change: Change): Promise<Answer | Denial> {
  const { definition, seatNos, set } = change
  if (set.price_level !== undefined) return priceSeats(tx, options, change, set.price_level)
  const setting = set.blocked === undefined ? ({ available: true } as const) : { blocked: set.blocked.reason }
  const { eventNo } = definition
  const { changed, refused } = await setSeatsAsideIn(tx, options.origin, { eventNo, seatNos, change: setting })
  return answer(definition, changed.length, refused)
}

async function priceSeats(
  tx: Tx,
  { catalog }: SaleControlOptions,
  { definition, seatNos }: Change,
  priceLevel: string,
): Promise<Answer | Denial> {
  const { free, refused } = await lockUnheldSeats(tx, { eventNo: definition.eventNo, seatNos })
  const priced = await catalog.setSeatPriceLevels(tx, definition, { seatNos: free, priceLevel })
  if (!priced.ok)
    return {
      problem: 'invalid-request',
      detail: `The event has no price level ${priceLevel}.`,
      extras: {
        errors: [
          {
            path: 'set.price_level',
            message: `must be one of ${definition.priceLevels.map(level => level.key).join(', ')}`,
          },
        ],
      },
    }
  return {
    ...answer(definition, priced.value.changed, refused),
    afterCommit: () => void catalog.definitions.refresh(definition.eventNo),
  }
}

function answer(
  definition: EventDefinition,
  changed: number,
  refused: readonly { seatNo: number; status: string }[],
): Answer {
  return {
    status: 200,
    body: {
      changed,
      refused: refused.map(({ seatNo, status }) => ({ seat_id: definition.seatMap.seatIdOf(seatNo), status })),
    },
  }
}
