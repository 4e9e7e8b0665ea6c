import { setTimeout as sleep } from 'node:timers/promises'
import { fromUuid, type Id, toUuid } from '#kernel/ids.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Api } from '../../fans/api.ts'
import { readBank, type Site } from './site.ts'
import type { Order } from './till.ts'

/** Of what was acknowledged, what the record does not know as sold. */
export async function forgotten(db: Database, acknowledged: readonly Order[]): Promise<Order[]> {
  const { rows } = await db.query<{ reservation_id: string }>(
    `select r.reservation_id from holdfast.reservations r
     where r.reservation_id = any ($1::uuid[]) and r.state = 'confirmed' and r.live_tickets > 0`,
    [acknowledged.map(order => toUuid(order.reservationId as Id<'rsv'>))],
  )
  const known = new Set(rows.map(row => fromUuid('rsv', row.reservation_id) as string))
  return acknowledged.filter(order => !known.has(order.reservationId))
}

export type Explained = { captures: number; refunded: number; unexplained: string[] }

/** Lays the bank's books beside the tickets, once nothing moves any more: money kept has a ticket, a ticket has its money. */
export async function explainCaptures(site: Site, db: Database, api: Api): Promise<Explained> {
  let found: Explained = { captures: 0, refunded: 0, unexplained: [] }
  for (const until = Date.now() + 90_000; ; await sleep(1000)) {
    found = await compare()
    if (found.unexplained.length === 0 || Date.now() > until) return found
  }

  async function compare(): Promise<Explained> {
    const bank = await readBank(site, api)
    const { rows } = await db.query<{ payment_id: string; value: number }>(
      `select p.payment_id, sum(t.amount)::int8 as value from holdfast.payments p
       join holdfast.tickets t on t.event_no = p.event_no and t.reservation_id = p.reservation_id and t.status <> 'void'
       group by p.payment_id`,
    )
    const tickets = new Map(rows.map(row => [fromUuid('pay', row.payment_id) as string, row.value]))
    const unexplained: string[] = []
    for (const [paymentId, { captured, refunded, statuses }] of bank) {
      const value = tickets.get(paymentId) ?? 0
      if (captured - refunded !== value) unexplained.push(`${paymentId}: ${captured} - ${refunded}, tickets ${value}`)
      if (statuses.includes('requires_capture')) unexplained.push(`${paymentId} is left authorised`)
      tickets.delete(paymentId)
    }
    for (const paymentId of tickets.keys()) unexplained.push(`${paymentId} has tickets, and the bank has nothing`)
    const captures = [...bank.values()].filter(({ captured }) => captured > 0)
    return { captures: captures.length, refunded: captures.filter(it => it.refunded > 0).length, unexplained }
  }
}
