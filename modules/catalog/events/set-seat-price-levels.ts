import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { CatalogPorts } from '../ports.ts'
import type { EventDefinition } from './event-definition.ts'

/**
 * Sells these seats at another level of the event from now on. Which of them may be changed is for whoever owns the seats to
 * say: the caller has locked them and left out those that have a holder. Only seats that differ from the plan are stored.
 * Does nothing, and makes no new version, when all of them are sold at that level already.
 *
 * After the commit, call `refresh(eventNo)` of the definitions.
 */
export async function setSeatPriceLevels(
  tx: Tx,
  ports: CatalogPorts,
  event: EventDefinition,
  change: { seatNos: readonly number[]; priceLevel: string },
): Promise<Ok<{ changed: number }> | Refusal<'unknown-price-level'>> {
  const { eventNo, seatMap } = event
  await tx.query('select from holdfast.events where event_no = $1 for update', [eventNo])
  const { rows: levels } = await tx.query<{ level_no: number }>(
    'select level_no from holdfast.price_levels where event_no = $1 and price_level = $2 and not retired',
    [eventNo, change.priceLevel],
  )
  const levelNo = levels[0]?.level_no
  if (levelNo === undefined) return { ok: false, code: 'unknown-price-level' }

  const isPlanned = (seatNo: number) => seatMap.categories[seatMap.category[seatNo]!]!.name === change.priceLevel
  const planned = change.seatNos.filter(isPlanned)
  const others = change.seatNos.filter(seatNo => !isPlanned(seatNo))
  const back = await tx.query(
    'delete from holdfast.seat_price_levels where event_no = $1 and seat_no = any ($2::int4[])',
    [eventNo, planned],
  )
  const moved = await tx.query(
    `insert into holdfast.seat_price_levels as s (event_no, seat_no, level_no)
     select $1, seat_no, $3 from unnest($2::int4[]) seat_no
     on conflict (event_no, seat_no) do update set level_no = excluded.level_no where s.level_no <> excluded.level_no`,
    [eventNo, others, levelNo],
  )
  const changed = back.rowCount + moved.rowCount
  if (changed === 0) return ok({ changed })
  const { rows } = await tx.query<{ version: number }>(
    `update holdfast.events
     set version = version + 1, seatmap_version = seatmap_version + 1, changed_at = holdfast.clock()
     where event_no = $1
     returning version`,
    [eventNo],
  )
  await ports.announceEventChanged?.(tx, { eventNo, version: rows[0]!.version })
  return ok({ changed })
}
