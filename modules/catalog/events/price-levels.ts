import type { NewEvent } from '#contracts/catalog.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { SeatMap } from '../seat-map/seat-map.ts'
import type { FieldError } from './event-terms.ts'

export type GivenLevel = { key: string; name: string; amount: number }

/** Names in their one form, as those of the map are. */
export function readPriceLevels(given: NewEvent['price_levels']): GivenLevel[] {
  return given.map(({ price_level, name, amount }) => {
    const key = price_level.trim().normalize('NFC')
    return { key, name: name?.trim().normalize('NFC') || key, amount }
  })
}

/** The categories of the map that something is sold in: each needs a price. */
export function categoriesInUse(map: SeatMap): Set<string> {
  const used = new Set<number>(map.category)
  for (const area of map.areas) used.add(area.category)
  return new Set(Array.from(used, no => map.categories[no]!.name))
}

export function priceLevelErrors(levels: readonly GivenLevel[], needed: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { key }] of levels.entries()) {
    const path = `price_levels[${i}].price_level`
    if (key === '') errors.push({ path, message: 'must not be empty' })
    if (seen.has(key)) errors.push({ path, message: `"${key}" is there twice` })
    seen.add(key)
  }
  for (const key of needed) {
    if (!seen.has(key)) errors.push({ path: 'price_levels', message: `lacks a price for "${key}"` })
  }
  return errors
}

/**
 * Makes the levels of an event exactly these. A known level keeps its number, a new one gets the next, one that is missing is
 * retired: reservations keep numbers. The caller holds the lock of the event's row, so that no number is given twice.
 *
 * @returns false when the event has used up its 255 numbers
 */
export async function storePriceLevels(
  tx: Tx,
  eventNo: number,
  levels: readonly GivenLevel[],
  map: SeatMap,
): Promise<boolean> {
  const { rows } = await tx.query<{ level_no: number; price_level: string }>(
    'select level_no, price_level from holdfast.price_levels where event_no = $1',
    [eventNo],
  )
  const numbers = new Map(rows.map(row => [row.price_level, row.level_no]))
  for (const { key } of levels) if (!numbers.has(key)) numbers.set(key, numbers.size)
  if (numbers.size > levelsMax) return false

  const colorOf = new Map(map.categories.map(({ name, color }) => [name, color]))
  await tx.query(
    `insert into holdfast.price_levels (event_no, level_no, price_level, name, amount, color)
     select $1, g.level_no, g.price_level, g.name, g.amount, g.color
     from unnest($2::int2[], $3::text[], $4::text[], $5::int8[], $6::text[]) g(level_no, price_level, name, amount, color)
     on conflict on constraint a_level_has_one_number
     do update set name = excluded.name, amount = excluded.amount, retired = false`,
    [
      eventNo,
      levels.map(({ key }) => numbers.get(key)),
      levels.map(({ key }) => key),
      levels.map(({ name }) => name),
      levels.map(({ amount }) => amount),
      levels.map(({ key }) => colorOf.get(key) ?? '#888888'),
    ],
  )
  await tx.query(
    `update holdfast.price_levels set retired = true
     where event_no = $1 and not retired and price_level <> all ($2::text[])`,
    [eventNo, levels.map(({ key }) => key)],
  )
  return true
}

/** Numbers 0 to 254; 255 stands for "none" where a level is kept in a byte. */
const levelsMax = 255
