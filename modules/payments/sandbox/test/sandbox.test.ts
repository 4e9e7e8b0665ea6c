import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Stripe from 'stripe'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import type { ProviderEvent } from '../../ports.ts'
import { createStripeProvider } from '../../provider/stripe-provider.ts'
import { providerContract } from '../../provider/test/stripe-provider.contract.ts'
import { liveSecrets } from '../credentials.ts'
import { afterAttempt, DueDeliveries, plannedDeliveries, signatureHeader } from '../deliveries.ts'
import type { Form } from '../form.ts'
import { Ledger } from '../ledger.ts'
import { pageOf } from '../lists.ts'
import { SandboxRuns } from '../living.ts'
import type { Delivery, LedgerRecord } from '../objects.ts'
import { type RunningSandbox, runSandbox } from '../run-sandbox.ts'
import { straight } from '../steering.ts'

const random = systemRandom()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-sandbox-'))
let sandbox: RunningSandbox = await run()
after(async () => {
  await sandbox.close()
  await rm(folder, { recursive: true, force: true })
})

function run(): Promise<RunningSandbox> {
  return runSandbox({ folder, port: 0, clock, random, log: () => {} })
}

function speakTo(at: RunningSandbox) {
  const { secret_key: secretKey, publishable_key: publishableKey } = at.credentials
  const { hostname: host, port } = new URL(at.origin)
  const client = (key: string) =>
    new Stripe(key, { host, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false })
  return {
    provider: createStripeProvider({
      installation: 'ours',
      secretKey,
      publishableKey,
      webhookSecrets: () => liveSecrets(at.credentials, clock.now()),
      origin: at.origin,
      timeoutMs: 500,
      clock,
    }),
    buyer: client(publishableKey),
    merchant: client(secretKey),
    steer: async (body: object) => {
      const answer = await fetch(`${at.origin}/sandbox/steer`, { method: 'POST', body: JSON.stringify(body) })
      assert.equal(answer.status, 200, await answer.text())
    },
    clock,
  }
}

providerContract('over HTTP', async () => speakTo(sandbox))

test('webhooks are signed, come as often as asked, and both secrets are good while one is changed', async () => {
  const { provider, merchant, steer } = speakTo(sandbox)
  const got: { event: ProviderEvent | null; header: string }[] = []
  const endpoint = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const header = String(request.headers['stripe-signature'])
    got.push({ event: provider.readWebhook(Buffer.concat(chunks), request.headers), header })
    response.writeHead(200).end()
  })
  await new Promise<void>(resolve => endpoint.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`
  await fetch(`${sandbox.origin}/sandbox/endpoints`, { method: 'POST', body: JSON.stringify({ url }) })
  await steer({ webhooks: { copies: [3, 3] } })
  const intent = await merchant.paymentIntents.create({ amount: 5000, currency: 'eur' })
  const created = () => got.filter(({ event }) => event?.type === 'payment_intent.created')
  while (created().length < 3) await clock.sleep(20)
  assert.equal(created()[0]!.event!.intent, null, 'nothing follows from it')
  assert.ok(
    got.every(({ event }) => event !== null),
    'every one is genuine',
  )
  await fetch(`${sandbox.origin}/sandbox/endpoints/rotate-secret`, { method: 'POST', body: '{"overlap_seconds": 60}' })
  await steer({ webhooks: { copies: [1, 1] } })
  const before = got.length
  await merchant.paymentIntents.cancel(intent.id)
  while (got.length === before) await clock.sleep(20)
  assert.equal(got.at(-1)!.header.match(/v1=/g)!.length, 2)
  endpoint.close()
  endpoint.closeAllConnections()
  await fetch(`${sandbox.origin}/sandbox/endpoints`, { method: 'POST', body: '{"url": "http://127.0.0.1:9/nobody"}' })
})

test('a webhook that was changed, is old, or is signed by another is nothing', () => {
  const { provider } = speakTo(sandbox)
  const [secret] = liveSecrets(sandbox.credentials, clock.now())
  const object = {
    object: 'payment_intent',
    id: 'pi_1',
    status: 'succeeded',
    amount: 1,
    currency: 'eur',
    metadata: {},
    livemode: false,
    created: 1,
  }
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'x',
    created: 1,
    livemode: false,
    data: { object },
  })
  const read = (text: string, header: string | undefined) =>
    provider.readWebhook(Buffer.from(text), { 'stripe-signature': header })
  const now = clock.now()
  assert.equal(read(body, signatureHeader(body, [secret!], now))?.id, 'evt_1')
  assert.equal(read(body.replace('"amount":1', '"amount":2'), signatureHeader(body, [secret!], now)), null)
  assert.equal(read(body, signatureHeader(body, [secret!], now - 301_000)), null)
  assert.equal(read(body, signatureHeader(body, ['whsec_of_somebody_else'], now)), null)
  for (const header of [undefined, '', 't=1', 'v1=abc', 't=x,v1=y', `t=${now}`]) assert.equal(read(body, header), null)
  assert.equal(read('not json', signatureHeader('not json', [secret!], now)), null)
})

test('what is not delivered is tried again, later and later, for three days', () => {
  let delivery = plannedDeliveries('evt_1', { steering: straight(), now: 0, fraction: () => 0.5 })[0]!
  const times: number[] = []
  while (delivery.state === 'waiting') {
    times.push(delivery.due_at)
    delivery = afterAttempt(delivery, 500, delivery.due_at)
  }
  assert.ok(times.length >= 10, `${times.length} attempts`)
  assert.ok(times.at(-1)! > 2 * 24 * 3_600_000 && times.at(-1)! < 4 * 24 * 3_600_000)
  assert.equal(delivery.state, 'given-up')
  assert.equal(afterAttempt({ ...delivery, attempt: 0 }, 204, 0).state, 'delivered')
})

test('what it was told outlives the process, a torn last line does not matter, and no card is in the folder', async () => {
  const { merchant } = speakTo(sandbox)
  const intent = await merchant.paymentIntents.create({ amount: 5000, currency: 'eur', capture_method: 'manual' })
  await merchant.paymentIntents.confirm(intent.id, {
    payment_method_data: {
      type: 'card',
      card: { number: '4242424242424242', cvc: '123', exp_month: 1, exp_year: 2040 },
    },
  } as object)
  await merchant.paymentIntents
    .confirm(intent.id, { payment_method_data: { type: 'card', card: { number: '4111111111111111' } } } as object)
    .catch(() => {})
  await sandbox.close()
  const path = join(folder, 'ledger.jsonl')
  const ledger = await readFile(path, 'utf8')
  assert.doesNotMatch(ledger, /4242424242424242|4111111111111111|"cvc"/)
  await writeFile(path, `${ledger}[{"table":"intents","row":{"id":"pi_torn`)
  sandbox = await run()
  const again = speakTo(sandbox)
  assert.equal((await again.provider.retrieve(intent.id)).status, 'authorized')
  assert.equal((await again.merchant.paymentIntents.capture(intent.id)).status, 'succeeded')
  await writeFile(join(folder, 'copy'), '')
})

test('a second one on the same folder is told of the first, which keeps its ledger', async () => {
  await assert.rejects(run(), new SandboxRuns(sandbox.origin))
  const { id } = await speakTo(sandbox).merchant.paymentIntents.create({ amount: 500, currency: 'eur' })
  await sandbox.close()
  const together = await Promise.allSettled([run(), run()])
  const [alive, ...others] = together.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  assert.equal(others.length, 0, 'of two that start at once one works')
  sandbox = alive!
  assert.equal((await speakTo(sandbox).merchant.paymentIntents.retrieve(id)).amount, 500)
})

test('the page shows what there is, and steering that makes no sense is told where', async () => {
  const page = await (await fetch(sandbox.origin)).text()
  assert.match(page, /<h1>Payment sandbox<\/h1>/)
  assert.match(page, /<code>pi_/)
  const wrong = await fetch(`${sandbox.origin}/sandbox/steer`, {
    method: 'POST',
    body: '{"webhooks": {"copies": [1, 99]}}',
  })
  assert.equal(wrong.status, 400)
  assert.match(await wrong.text(), /copies/)
})

test('a ledger in which a line could not be written takes no other, and says so', async t => {
  const own = await mkdtemp(join(tmpdir(), 'holdfast-ledger-'))
  t.after(() => rm(own, { recursive: true }))
  const { ledger } = await Ledger.open(own)
  const record = { table: 'refunds', row: { id: 're_1' } } as unknown as LedgerRecord
  await ledger.append([record])
  assert.equal(ledger.broken, null)
  await ledger.close() // as a disk that is gone
  await assert.rejects(ledger.append([record]), { code: 'EBADF' })
  assert.notEqual(ledger.broken, null)
  await assert.rejects(ledger.append([record]), { code: 'EBADF' })
})

test('what is due goes out in the order in which it was due, and nothing before', () => {
  const waiting = new DueDeliveries()
  const times = Array.from({ length: 500 }, (_, i) => (i * 7919) % 501)
  for (const due_at of times) waiting.add({ due_at } as Delivery)
  const taken: number[] = []
  for (const now of [100, 99, 300, 1000])
    for (let next = waiting.take(now); next !== undefined; next = waiting.take(now)) {
      assert.ok(next.due_at <= now)
      taken.push(next.due_at)
    }
  assert.deepEqual(
    taken,
    times.toSorted((a, b) => a - b),
  )
})

test('a page of a list is the newest, and goes on after an object within what is asked', () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({ id: `x_${i}`, created: 100 + i }))
  type Page = { data: { id: string }[]; has_more: boolean }
  const page = (query: Form) => pageOf('/v1/x', rows, query) as Page
  const ids = ({ data }: Page) => data.map(({ id }) => id)
  assert.deepEqual(ids(page({ limit: '3' })), ['x_11', 'x_10', 'x_9'])
  const next = page({ limit: '3', starting_after: 'x_9' })
  assert.deepEqual([ids(next), next.has_more], [['x_8', 'x_7', 'x_6'], true])
  const asked = { created: { gte: '103', lt: '106' } }
  assert.deepEqual([ids(page(asked)), page(asked).has_more], [['x_5', 'x_4', 'x_3'], false])
  assert.deepEqual(ids(page({ ...asked, starting_after: 'x_4' })), ['x_3'])
  assert.deepEqual([ids(page({ limit: '12' })).length, page({ limit: '12' }).has_more], [12, false])
  assert.throws(() => page({ starting_after: 'x_99' }), /x_99/)
  assert.throws(() => page({ ...asked, starting_after: 'x_1' }), /x_1/)
})
