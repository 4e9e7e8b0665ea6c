import { toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { PaymentRecord } from './payment.ts'
import type { ProviderEvent } from './ports.ts'

/** What an event tells, as far as settling needs it. The client secret stays out of the table. */
export type StoredEvent = {
  provider: string
  providerEventId: string
  type: string
  receivedAt: number
  attempts: number
  told: Pick<ProviderEvent, 'isLive' | 'account' | 'intent' | 'refund'>
}

/**
 * Stores what the provider told, once each and with what is of no concern as done, whoever brings it: webhooks in any number and the list we
 * fetch ourselves. In the order of their ids, so that two who bring the same do not wait for each other in a circle.
 *
 * @returns the ids of those that nobody had brought before
 */
export async function storeEvents(
  db: Queryable,
  provider: string,
  source: 'webhook' | 'list',
  events: readonly ProviderEvent[],
): Promise<Set<string>> {
  const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const { rows } = await db.query<{ id: string }>({
    name: 'store_events_3',
    text: `insert into holdfast.payment_events (provider, provider_event_id, type, created_at, source, told, state, reason, settled_at)
      select $1, e.id, e.type, e.created_at, $2, e.told, s.state, case s.state when 'ignored' then 'not-a-payment' end,
        case s.state when 'ignored' then holdfast.clock() end
      from unnest($3::text[], $4::text[], $5::timestamptz[], $6::jsonb[]) e(id, type, created_at, told)
      cross join lateral (
        select (case when e.told -> 'intent' = 'null' and e.told -> 'refund' = 'null' then 'ignored' else 'stored' end)
          ::holdfast.payment_event_state as state
      ) s
      on conflict (provider, provider_event_id) do nothing
      returning provider_event_id as id`,
    values: [
      provider,
      source,
      sorted.map(event => event.id),
      sorted.map(event => event.type),
      sorted.map(event => new Date(event.createdAt).toISOString()),
      sorted.map(event => JSON.stringify(toldBy(event))),
    ],
  })
  return new Set(rows.map(row => row.id))
}

function toldBy({ isLive, account, intent, refund }: ProviderEvent): StoredEvent['told'] {
  return { isLive, account, intent: intent && { ...intent, clientSecret: null }, refund }
}

/** Takes events that wait to be settled, oldest first, and moves their time on by the lease. */
export async function takeStoredEvents(
  db: Queryable,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<StoredEvent[]> {
  const { rows } = await db.query<{
    provider: string
    provider_event_id: string
    type: string
    received_at: number
    attempts: number
    told: StoredEvent['told']
  }>({
    name: 'take_stored_events_1',
    text: `update holdfast.payment_events e
      set next_attempt_at = holdfast.clock() + $2 * interval '1 millisecond', attempts = e.attempts + 1
      from (
        select d.provider, d.provider_event_id from holdfast.payment_events d
        where d.state = 'stored' and d.next_attempt_at <= holdfast.clock()
        order by d.next_attempt_at
        limit $1
        for update skip locked
      ) due
      where e.provider = due.provider and e.provider_event_id = due.provider_event_id
      returning e.provider, e.provider_event_id, e.type, e.received_at, e.attempts, e.told`,
    values: [limit, leaseMs],
  })
  return rows
    .map(row => ({
      provider: row.provider,
      providerEventId: row.provider_event_id,
      type: row.type,
      receivedAt: row.received_at,
      attempts: row.attempts,
      told: row.told,
    }))
    .sort((a, b) => a.receivedAt - b.receivedAt)
}

export type EventEnd = { state: 'settled' | 'ignored' | 'quarantined'; reason: string | null }

export async function endEvent(
  db: Queryable,
  event: StoredEvent,
  { state, reason }: EventEnd,
  payment: Pick<PaymentRecord, 'eventNo' | 'paymentId'> | null,
): Promise<void> {
  await db.query({
    name: 'end_event_1',
    text: `update holdfast.payment_events
      set state = $3, reason = $4, event_no = $5, payment_id = $6, settled_at = holdfast.clock()
      where provider = $1 and provider_event_id = $2 and state = 'stored'`,
    values: [
      event.provider,
      event.providerEventId,
      state,
      reason,
      payment?.eventNo ?? null,
      payment === null ? null : toUuid(payment.paymentId),
    ],
  })
}

/** What could not be settled now is tried again. */
export async function retryEvent(db: Queryable, event: StoredEvent, afterMs: number): Promise<void> {
  await db.query({
    name: 'retry_event_1',
    text: `update holdfast.payment_events set next_attempt_at = holdfast.clock() + $3 * interval '1 millisecond'
     where provider = $1 and provider_event_id = $2 and state = 'stored'`,
    values: [event.provider, event.providerEventId, afterMs],
  })
}

/** How many wait, and how old the oldest is. */
export async function waitingEvents(db: Queryable): Promise<{ waiting: number; oldestSeconds: number }> {
  const { rows } = await db.query<{ waiting: number; oldest: number | null }>(
    `select count(*)::int4 as waiting, extract(epoch from holdfast.clock() - min(received_at))::float8 as oldest
     from holdfast.payment_events where state = 'stored'`,
  )
  return { waiting: rows[0]!.waiting, oldestSeconds: rows[0]!.oldest ?? 0 }
}
