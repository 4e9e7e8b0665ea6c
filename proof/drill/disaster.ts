import { strict as assert } from 'node:assert'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '#platform/postgres/database.ts'
import { startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import type { Api } from '../../fans/api.ts'
import { explainCaptures, forgotten } from './accounts.ts'
import { killDatabase, makeFolder, openSite, type Site, type Tell } from './site.ts'
import { type Order, openTill } from './till.ts'

const eventPlaces = 80_000
/** The rest of a hall stands, and standing places are a counter. */
const seatedShare = 0.77

export type DisasterReport = {
  seats: number
  acknowledged: number
  lost: number
  rpoSeconds: number
  rtoSeconds: number
  restoreSeconds: number
  toMoment: { forgotten: number; rtoSeconds: number }
  given_back: number
  unexplained: string[]
}

/** The database's folder is gone in the middle of a sale: from the backup and the archived log, to the end and then to an earlier moment. */
export async function disaster(api: Api, tell: Tell, { seats }: { seats: number }): Promise<DisasterReport> {
  await using closing = new AsyncDisposableStack()
  const folder = await makeFolder()
  closing.defer(() => rm(folder, { recursive: true, force: true }))
  const site = await openSite(folder, api, { HOLDFAST_BACKUP_DIR: join(folder, 'backup') })
  closing.defer(() => site.close())
  const pg = join(site.data, 'pg')
  const events = Math.max(1, Math.ceil(seats / (eventPlaces * seatedShare)))
  // A hall is built of whole zones of a hundred seats: rather some more than some less.
  const places = Math.ceil((seats / events + 100) / seatedShare)
  let eventId = ''
  for (let i = 0; i < events; i++) {
    eventId = await site.makeEvent(places)
    tell(`event ${i + 1} of ${events}`)
  }
  const made = await site.command('backup')
  assert.equal(made.code, 0, made.said)
  tell(`backup ${made.json.name}; the sale begins`)
  const till = openTill({ url: site.server().url, sandboxUrl: site.sandboxUrl, eventId, api })
  closing.defer(() => till.stop())
  await sleep(10_000)
  const moment = Date.now()
  await sleep(35_000)

  const destroyedAt = Date.now()
  await site.server().end('SIGKILL')
  await killDatabase(pg)
  const diedAt = Date.now()
  await rm(join(pg, 'cluster'), { recursive: true })
  tell('the database is gone')
  const orders = [...till.orders]
  const acknowledged = orders.filter(({ ticketAt }) => ticketAt !== null && ticketAt <= diedAt)
  const restored = await restore('--to-end')
  const restoreSeconds = (Date.now() - destroyedAt) / 1000
  // Buyers who were inside go on asking, and are told how it ended.
  const leaving = till.stop()
  const first = await reopen(destroyedAt)
  await leaving
  const lost = await onDatabase(site, db => forgotten(db, acknowledged))
  const oldest = Math.min(...lost.map(order => order.ticketAt!))
  const explained = await onDatabase(site, db => explainCaptures(site, db, api))
  tell(`${restored}: ${lost.length} of ${acknowledged.length} sales lost, ${explained.unexplained.length} unexplained`)

  const secondAt = Date.now()
  await site.server().end('SIGTERM')
  const earlier = await restore('--to', new Date(moment).toISOString(), '--replace')
  const second = await reopen(secondAt)
  const gone = await onDatabase(site, db => forgotten(db, acknowledged))
  const wronglyGone = gone.filter((order: Order) => order.ticketAt! < moment - 1000)
  const twice = await onDatabase(site, db => explainCaptures(site, db, api))
  tell(`${earlier}: ${gone.length} sales forgotten, ${twice.unexplained.length} unexplained`)
  return {
    seats: await onDatabase(site, countSeats),
    acknowledged: acknowledged.length,
    lost: lost.length,
    rpoSeconds: lost.length === 0 ? 0 : (destroyedAt - oldest) / 1000,
    rtoSeconds: first,
    restoreSeconds,
    toMoment: { forgotten: gone.length, rtoSeconds: second },
    given_back: twice.refunded,
    unexplained: [
      ...explained.unexplained,
      ...twice.unexplained,
      ...wronglyGone.map(order => `${order.reservationId} was sold before the moment, and is forgotten`),
    ],
  }

  async function restore(...how: string[]): Promise<string> {
    const { code, json, said } = await site.command('restore', ...how)
    assert.equal(code, 0, said)
    return `restored to ${json.restored_to ?? 'the end'}`
  }

  /** Seconds from then until a buyer holds a seat again. */
  async function reopen(since: number): Promise<number> {
    await site.start()
    const closed = await site.command('fence', 'status')
    assert.equal(closed.json.closed, true, 'a restore closes the fence')
    const careless = await site.command('fence', 'open', '--nothing-lost')
    assert.equal(careless.code, 1, 'a restored record is no standby')
    const reconciled = await site.command('fence', 'reconcile')
    assert.equal(reconciled.code, 0, JSON.stringify(reconciled))
    const opened = await site.command('fence', 'open')
    assert.equal(opened.code, 0, JSON.stringify(opened))
    const audit = await site.command('fence', 'status')
    assert.equal(audit.json.closed, false)
    const list = await api(site.server().url, { path: '/v1/events?limit=1' })
    const till = openTill({
      url: site.server().url,
      sandboxUrl: site.sandboxUrl,
      eventId: list.body.items[0].event_id,
      api,
    })
    for (const until = Date.now() + 60_000; till.servedSince(since) === null && Date.now() < until; ) await sleep(20)
    const servedAt = till.servedSince(since)
    await till.stop()
    assert.notEqual(servedAt, null, 'the sale goes on')
    return (servedAt! - since) / 1000
  }
}

async function countSeats(db: Parameters<typeof forgotten>[0]): Promise<number> {
  const { rows } = await db.query<{ n: number }>('select count(*)::int4 as n from holdfast.seats')
  return rows[0]!.n
}

async function onDatabase<T>(site: Site, work: (db: Parameters<typeof forgotten>[0]) => Promise<T>): Promise<T> {
  const server = await startEmbeddedPostgres({ dataDir: join(site.data, 'pg'), log: () => {} })
  const db = openDatabase({ url: server.url, max: 2, name: 'drill' })
  try {
    return await work(db)
  } finally {
    await db.close()
    await server.stop()
  }
}
