import type { SaleChange } from '#contracts/catalog.ts'
import { type EventId, toUuid } from '#kernel/ids.ts'
import { type Ok, ok, type Refusal } from '#kernel/outcome.ts'
import type { Tx } from '#platform/postgres/database.ts'
import type { CatalogPorts } from '../ports.ts'
import type { InvalidEvent } from './create-event.ts'
import { allowedActions, type EventStatus, type SaleAction, transitionOf } from './event-status.ts'
import { findEvent } from './select-events.ts'

export type SaleOutcome =
  | Ok<{ eventNo: number }>
  | InvalidEvent
  | Refusal<'event-not-found'>
  | Refusal<'version-mismatch'>
  | (Refusal<'invalid-transition'> & { status: EventStatus; allowed: SaleAction[] })

/**
 * Schedules, opens, pauses, resumes or closes a sale. The guard is in the write and by database time: a scheduled event whose
 * moment has come is on sale, and can be paused but not scheduled anew. A sale that staff open begins at that moment.
 */
export async function changeSale(
  tx: Tx,
  ports: CatalogPorts,
  command: { eventId: EventId; version: number | null } & SaleChange,
): Promise<SaleOutcome> {
  const { from, to } = transitionOf(command.action)
  const onsaleAt = command.action === 'schedule' ? command.onsale_at : undefined
  const { rows } = await tx.query<{ event_no: number; version: number }>(
    `update holdfast.events e
     set version = e.version + 1, changed_at = c.now, status = $3::holdfast.event_status,
       onsale_at = case $4
         when 'schedule' then coalesce($5::timestamptz, e.onsale_at)
         when 'open' then least(e.onsale_at, c.now)
         else e.onsale_at
       end
     from (select holdfast.clock() as now) c
     where e.event_id = $1 and e.version = coalesce($2, e.version)
       and case when e.status = 'scheduled' and e.onsale_at <= c.now then 'onsale' else e.status end
         = any ($6::holdfast.event_status[])
       and ($4 <> 'schedule' or coalesce($5::timestamptz, e.onsale_at) < e.starts_at)
     returning e.event_no, e.version`,
    [toUuid(command.eventId), command.version, to, command.action, onsaleAt, from],
  )
  if (!rows[0]) return refusalOf(tx, command)
  await ports.announceEventChanged?.(tx, { eventNo: rows[0].event_no, version: rows[0].version })
  return ok({ eventNo: rows[0].event_no })
}

/** Why nothing was written. */
async function refusalOf(
  tx: Tx,
  command: { eventId: EventId; version: number | null } & SaleChange,
): Promise<Exclude<SaleOutcome, Ok<unknown>>> {
  const found = await findEvent(tx, command.eventId)
  if (!found) return { ok: false, code: 'event-not-found' }
  const { event, statusNow: status } = found
  if (command.version !== null && command.version !== event.version) return { ok: false, code: 'version-mismatch' }
  const allowed = allowedActions(status)
  if (!allowed.includes(command.action)) return { ok: false, code: 'invalid-transition', status, allowed }
  const message =
    command.onsale_at === undefined && event.onsaleAt === null ? 'is required' : 'must be before starts_at'
  return { ok: false, code: 'invalid-event', errors: [{ path: 'onsale_at', message }] }
}
