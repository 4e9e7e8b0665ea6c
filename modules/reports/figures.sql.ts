import type { Figures } from '#contracts/reports.ts'
import { type EventId, toUuid } from '#kernel/ids.ts'
import type { Queryable, Tx } from '#platform/postgres/database.ts'

export const figureNames = [
  'holds',
  'places_held',
  'extended',
  'cancelled',
  'places_cancelled',
  'expired',
  'places_expired',
  'sales',
  'places_sold',
  'sold_amount',
  'declined',
  'refunds',
  'refunded_amount',
] as const
export type FigureName = (typeof figureNames)[number]
export type MinuteFigures = Record<FigureName, number>

/** Adds to the figures of minutes; keys of the map are minutes of events. Sorted, because two may add at the same time. */
export async function addFigures(
  tx: Tx,
  additions: readonly { eventId: EventId; minute: string; figures: MinuteFigures }[],
): Promise<void> {
  const sorted = additions
    .map(addition => ({ ...addition, event: toUuid(addition.eventId) }))
    .sort((a, b) => (a.event + a.minute < b.event + b.minute ? -1 : 1))
  await tx.query(addSql, [
    sorted.map(addition => addition.event),
    sorted.map(addition => addition.minute),
    ...figureNames.map(name => sorted.map(addition => addition.figures[name])),
  ])
}

/** The figures of an event with its last `minutes` minutes; null when there is no such event. */
export async function readFigures(db: Queryable, eventId: EventId, minutes: number): Promise<Figures | null> {
  const { rows } = await db.query<MinuteFigures & { now: number; minute: number | null; is_total: boolean }>(readSql, [
    toUuid(eventId),
    minutes,
  ])
  const total = rows.find(row => row.is_total)
  if (total === undefined) return null
  return {
    event_id: eventId,
    as_of: new Date(total.now).toISOString(),
    totals: countsOf(total),
    minutes: rows.flatMap(row =>
      row.minute === null ? [] : { minute: new Date(row.minute).toISOString(), ...countsOf(row) },
    ),
  }
}

function countsOf(row: MinuteFigures): MinuteFigures {
  return Object.fromEntries(figureNames.map(name => [name, Number(row[name])])) as MinuteFigures
}

const columns = figureNames.join(', ')

const addSql = `
  insert into holdfast.sale_figures (event_id, minute, ${columns})
  select * from unnest($1::uuid[], $2::timestamptz[], ${figureNames.map((name, i) => `$${i + 3}::${name.endsWith('amount') ? 'int8' : 'int4'}[]`).join(', ')})
  on conflict (event_id, minute) do update
  set ${figureNames.map(name => `${name} = sale_figures.${name} + excluded.${name}`).join(', ')}`

// One statement, so that the total is that of the minutes.
const readSql = `
  with event as (
    select e.event_id, holdfast.clock() as now from holdfast.events e where e.event_id = $1
  )
  select e.now, true as is_total, null::timestamptz as minute,
    ${figureNames.map(name => `coalesce(t.${name}, 0) as ${name}`).join(', ')}
  from event e
  cross join (
    select ${figureNames.map(name => `sum(f.${name}) as ${name}`).join(', ')}
    from holdfast.sale_figures f where f.event_id = $1
  ) t
  union all
  (select e.now, false, f.minute, ${figureNames.map(name => `f.${name}`).join(', ')}
   from event e
   join holdfast.sale_figures f on f.event_id = e.event_id and f.minute > e.now - make_interval(mins => $2)
   order by f.minute)`
