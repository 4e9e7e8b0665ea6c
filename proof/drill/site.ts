import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareFolders } from '#platform/postgres/embedded/folders.ts'
import { processesOfCluster } from '#platform/postgres/embedded/processes.ts'
import type { Api } from '../../fans/api.ts'
import { makeConcert } from '../../fans/hall.ts'
import { runHoldfast, type ServerProcess, startServerProcess } from '../../test/harness/server-process.ts'
import { bankSide } from '../bank-side.ts'

export type Tell = (line: string) => void

/** A data folder, a server on it, and the program beside it, as an operator has them. */
export type Site = {
  folder: string
  data: string
  server(): ServerProcess
  sandboxUrl: string
  start(): Promise<void>
  makeEvent(places: number): Promise<string>
  /** Runs a command of the product; `json` is its last line. */
  command(...argv: string[]): Promise<{ code: number | null; json: Record<string, unknown>; said: string }>
  close(): Promise<void>
}

const email = 'drill@holdfast.localhost'
const holdSeconds = 60

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'))
  // The account of the database goes through it.
  await chmod(folder, 0o755)
  await mkdir(join(folder, 'data'))
  return folder
}

export async function openSite(folder: string, api: Api, more: Record<string, string>): Promise<Site> {
  const data = join(folder, 'data')
  const password = randomBytes(18).toString('base64url')
  const env = {
    HOLDFAST_DATA: data,
    HOLDFAST_ADMIN_EMAIL: email,
    HOLDFAST_ADMIN_PASSWORD: password,
    HOLDFAST_DEMO: 'false',
    HOLDFAST_LOG_LEVEL: 'error',
    HOLDFAST_DRAIN_SECONDS: '2',
    ...more,
  }
  let server = await startServerProcess({ ...env, PORT: '0' })
  const { port } = new URL(server.url)
  const config = await api(server.url, { path: '/v1/config' })

  async function staff(path: string, body: object): Promise<Record<string, unknown>> {
    const login = await api(server.url, { path: '/v1/auth/login', body: { email, password } })
    const token = login.body.access_token as string
    const answer = await api(server.url, { path: `/v1${path}`, token, body })
    if (answer.status >= 300) throw new Error(`${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  return {
    folder,
    data,
    server: () => server,
    sandboxUrl: config.body.payments.sandbox_url,
    async start() {
      server = await startServerProcess({ ...env, PORT: port })
    },
    makeEvent: places => makeConcert({ places, holdSeconds }, staff),
    async command(...argv) {
      const { code, stdout, stderr } = await runHoldfast([...argv, '--json'], env)
      const line = stdout.trim().split('\n').at(-1) ?? ''
      return { code, json: line === '' ? {} : JSON.parse(line), said: stderr }
    },
    async close() {
      await server.end('SIGTERM')
    },
  }
}

/** Every process of a database at once, as when its machine loses power. */
export async function killDatabase(dataDir: string): Promise<void> {
  const { cluster, clusterName } = await prepareFolders(dataDir)
  for (;;) {
    const pids = await processesOfCluster(cluster, clusterName)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it ended by itself
      }
    }
    await sleep(5)
  }
}

export type Bank = Map<string, { captured: number; refunded: number; statuses: string[] }>

/** The bank's own books, by our payment's id: of all intents that it has for one. */
export async function readBank(site: Site, api: Api): Promise<Bank> {
  const bank = bankSide(api, { url: site.sandboxUrl, folder: site.data })
  const refunded = await bank.givenBack()
  const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)
  const byPayment = Map.groupBy(await bank.intents(), intent => intent.metadata.payment_id!)
  return new Map(
    [...byPayment].map(([paymentId, intents]) => [
      paymentId,
      {
        captured: sum(intents.map(intent => intent.amount_received)),
        refunded: sum(intents.map(intent => refunded.get(intent.id) ?? 0)),
        statuses: intents.map(intent => intent.status),
      },
    ]),
  )
}
