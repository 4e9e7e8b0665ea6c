import { strict as assert } from 'node:assert'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeStandby, promoteStandby, setSynchronousStandby, standbyState } from '#platform/postgres/backup/standby.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import { startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import { acceptPromotion, noteSynchronous, readFence } from '#sale-control'
import type { Api } from '../../fans/api.ts'
import { explainCaptures, forgotten } from './accounts.ts'
import { openForwarder } from './forwarder.ts'
import { killDatabase, makeFolder, openSite, type Tell } from './site.ts'
import { openTill } from './till.ts'

const name = 'standby'
const places = 2000

export type FailoverReport = {
  acknowledged: number
  lost: number
  outageSeconds: number | null
  fenced: number
  openRefused: boolean
  repaired: boolean
  given_back: number
  unexplained: string[]
}

/**
 * The primary dies in the middle of a sale and a standby takes its place. Synchronous: nothing may be lost, and the sale goes on by itself.
 * Otherwise the standby is cut off some seconds before, so that it lacks sales for certain, and must sell nothing until they are explained.
 */
export async function failover(
  api: Api,
  tell: Tell,
  { synchronous }: { synchronous: boolean },
): Promise<FailoverReport> {
  await using closing = new AsyncDisposableStack()
  const folder = await makeFolder()
  closing.defer(() => rm(folder, { recursive: true, force: true }))
  const primaryDir = join(folder, 'primary/pg')
  const standbyDir = join(folder, 'standby/pg')
  const log = () => {}
  const primary = await startEmbeddedPostgres({ dataDir: primaryDir, log })
  closing.defer(async () => void (await primary.stop()))
  const forwarder = await openForwarder(primary.port)
  closing.defer(() => forwarder.close())
  const url = new URL(primary.url)
  url.port = String(forwarder.port)
  const site = await openSite(folder, api, { DATABASE_URL: url.href })
  closing.defer(() => site.close())
  const eventId = await site.makeEvent(places)
  await makeStandby({ primaryDir, standbyDir, primaryUrl: primary.url, name, progress: log })
  const standby = await startEmbeddedPostgres({ dataDir: standbyDir, log })
  closing.defer(async () => void (await standby.stop()))
  const before = openDatabase({ url: primary.url, max: 1, name: 'drill' })
  closing.defer(() => before.close())
  const after = openDatabase({ url: standby.url, max: 2, name: 'drill' })
  closing.defer(() => after.close())
  if (synchronous) {
    await setSynchronousStandby(primary.url, name)
    while ((await standbyState(primary.url, name)) !== 'sync') await sleep(50)
    await noteSynchronous(before, true)
  } else while ((await standbyState(primary.url, name)) !== 'async') await sleep(50)
  tell(`${synchronous ? 'a synchronous' : 'an asynchronous'} standby follows; the sale begins`)
  const till = openTill({ url: site.server().url, sandboxUrl: site.sandboxUrl, eventId, api })
  closing.defer(async () => {
    await till.stop()
    // Before its databases.
    await site.close()
  })
  await sleep(8000)
  if (!synchronous) {
    tell('the standby is cut off')
    await after.query(`alter system set primary_conninfo = ''`)
    await after.query('select pg_reload_conf()')
    await sleep(8000)
  }
  const killedAt = Date.now()
  await killDatabase(primaryDir)
  // Until here it may still have answered.
  const diedAt = Date.now()
  tell('the primary is dead; the standby is promoted')
  await promoteStandby(standby.url)
  const accepted = await acceptPromotion(after)
  assert.equal(accepted, synchronous, 'only a synchronous standby knows that it has lost nothing')
  forwarder.switchTo(standby.port)
  const acknowledged = till.orders.filter(({ ticketAt }) => ticketAt !== null && ticketAt <= diedAt)
  const lost = await forgotten(after, acknowledged)

  let openRefused = false
  if (!synchronous) {
    await sleep(5000)
    assert.equal(till.servedSince(diedAt), null, 'no hold is made while the fence is closed')
    openRefused = (await site.command('fence', 'open')).code === 1
    tell(`${lost.length} sales are lost; reconciling`)
    const reconciled = await site.command('fence', 'reconcile')
    assert.equal(reconciled.code, 0, JSON.stringify(reconciled))
    const opened = await site.command('fence', 'open')
    assert.equal(opened.code, 0, JSON.stringify(opened))
  }
  for (const until = Date.now() + 30_000; till.servedSince(diedAt) === null && Date.now() < until; ) await sleep(20)
  const servedAt = till.servedSince(diedAt)
  await sleep(3000)
  await till.stop()
  // What was under way at the bank when the primary died may have become money since.
  if (!synchronous) await site.command('fence', 'reconcile', '--since', new Date(killedAt - 600_000).toISOString())
  const explained = await explainCaptures(site, after, api)
  const { closed } = await readFence(after)
  return {
    acknowledged: acknowledged.length,
    lost: lost.length,
    outageSeconds: servedAt === null ? null : (servedAt - killedAt) / 1000,
    fenced: till.fenced(),
    openRefused,
    repaired: !closed && explained.unexplained.length === 0,
    given_back: explained.refunded,
    unexplained: explained.unexplained,
  }
}
