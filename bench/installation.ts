import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import { cpuSecondsOf, waitedSecondsOf } from './cpu.ts'

/**
 * A whole installation for one benchmark: real embedded PostgreSQL with its production settings (fsync on), the product's
 * own `holdfast start` in a process of its own, and events made through the organiser's API.
 */
export type Installation = {
  secret: string
  databaseUrl: string
  /** Folder for the files of this run. */
  folder: string
  server: Server
  staff: (method: string, path: string, body?: unknown, contentType?: string) => Promise<Record<string, unknown>>
  query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>
  /** CPU seconds used so far by the server and by PostgreSQL. */
  cpu(): { server: number | null; postgres: number | null }
  /** Seconds in which the server's main thread had work and no processor, so far. */
  waited(): number | null
  startNoOp(): Promise<{ url: URL; bareUrl: URL; stop(): Promise<void> }>
  close(): Promise<void>
}

export type Server = { url: URL; process: ChildProcess; stop(): Promise<void> }

const email = 'bench@holdfast.localhost'
const password = 'a password of the benchmark'
const root = fileURLToPath(new URL('..', import.meta.url))

export async function createInstallation({
  log,
  profile,
}: {
  log: (line: string) => void
  profile?: string
}): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const secret = randomBytes(32).toString('base64url')
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), log: () => {} })
  log('PostgreSQL is up')
  const env = {
    ...process.env,
    DATABASE_URL: postgres.url,
    HOLDFAST_DATA: folder,
    HOLDFAST_TOKEN_SECRET: secret,
    HOLDFAST_DEMO: 'false',
    HOLDFAST_ADMIN_EMAIL: email,
    HOLDFAST_ADMIN_PASSWORD: password,
    HOLDFAST_LOG_LEVEL: 'warn',
    PORT: '0',
  }
  const server = await startServer(env, profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`])
  log(`Holdfast is up at ${server.url.origin}`)
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const login = await call(server.url, 'POST', '/v1/auth/login', { email, password })
  const staff: Installation['staff'] = (method, path, body, contentType) =>
    call(server.url, method, path, body, {
      authorization: `Bearer ${login.access_token}`,
      ...(contentType && { 'content-type': contentType }),
    })
  return {
    secret,
    databaseUrl: postgres.url,
    folder,
    server,
    staff,
    query: async (text, values) => (await client.query(text, values)).rows,
    cpu: () => ({ server: cpuSecondsOf(server.process.pid!), postgres: cpuSecondsOf(postgres.pid()) }),
    waited: () => waitedSecondsOf(server.process.pid!),
    startNoOp: async () => {
      const child = spawn(process.execPath, [join(root, 'bench/no-op-server.ts')], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const { url, bareUrl } = JSON.parse(await firstLine(child, /^\{/))
      return { url: new URL(url), bareUrl: new URL(bareUrl), stop: () => end(child) }
    },
    close: async () => {
      await server.stop()
      await client.end()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startServer(env: NodeJS.ProcessEnv, flags: string[]): Promise<Server> {
  const child = spawn(process.execPath, [...flags, join(root, 'apps/cli/holdfast.mjs'), 'start'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await firstLine(child, /ready at/)
  return { url: new URL(/ready at (\S+)/.exec(line)![1]!), process: child, stop: () => end(child) }
}

/** The first line of standard output that matches; rejects when the process ends before. */
function firstLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      if (pattern.test(line)) resolve(line)
    })
    child.once('exit', code =>
      reject(new Error(`a server of the benchmark ended with code ${code} before it was ready`)),
    )
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function call(
  base: URL,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(new URL(path, base), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: text as string,
  })
  const answer = response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>)
  if (!response.ok)
    throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(answer).slice(0, 500)}`)
  return answer
}

export type BenchEvent = { eventId: string; eventNo: number }

/** Events on sale, all on one seat map; returns them with the runs of joined seats of their map, from the public API. */
export async function createEvents(
  installation: Installation,
  options: { plan: string; count: number },
): Promise<{ events: BenchEvent[]; runs: string[][] }> {
  const { staff, query, server } = installation
  const venue = await staff('POST', '/v1/venues', {
    name: 'Bench Arena',
    city: 'Testville',
    country: 'DE',
    timezone: 'Europe/Berlin',
  })
  const plan = await readFile(join(root, options.plan), 'utf8')
  const map = await staff('POST', `/v1/venues/${venue.venue_id}/seatmaps`, plan)
  const categories = (JSON.parse(plan) as { categories: { name: string }[] }).categories
  const ids: string[] = []
  for (let i = 0; i < options.count; i++) {
    const event = await staff('POST', '/v1/events', {
      venue_id: venue.venue_id,
      seatmap_id: map.seatmap_id,
      name: `Bench ${i + 1}`,
      starts_at: '2031-06-01T19:00:00Z',
      currency: 'EUR',
      price_levels: categories.map(({ name }, n) => ({ price_level: name, name, amount: 5000 + 1000 * n })),
    })
    await staff('POST', `/v1/events/${event.event_id}/onsale`, { action: 'open' })
    ids.push(event.event_id as string)
  }
  await query('vacuum analyze')
  const rows = await query<{ event_no: number; name: string }>(
    'select event_no, name from holdfast.events order by event_no',
  )
  const first = await call(server.url, 'GET', `/v1/events/${ids[0]}`)
  const geometry = (await call(
    server.url,
    'GET',
    `/v1/events/${ids[0]}/seatmap?v=${first.seatmap_version}`,
  )) as unknown as Geometry
  const events = ids.map((eventId, i) => ({ eventId, eventNo: rows[i]!.event_no }))
  return { events, runs: joinedRuns(geometry) }
}

type Geometry = { sections: { rows: { seats: { seat_id: string; x: number; y: number }[] }[] }[] }

/** Rows cut at their aisles: where neighbours are more than 1.6 times the row's usual distance apart. */
function joinedRuns(geometry: Geometry): string[][] {
  const runs: string[][] = []
  for (const row of geometry.sections.flatMap(section => section.rows)) {
    const gaps = row.seats.slice(1).map((seat, i) => Math.hypot(seat.x - row.seats[i]!.x, seat.y - row.seats[i]!.y))
    const usual = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0
    let run: string[] = []
    row.seats.forEach((seat, i) => {
      if (i > 0 && gaps[i - 1]! > usual * 1.6) {
        runs.push(run)
        run = []
      }
      run.push(seat.seat_id)
    })
    runs.push(run)
  }
  return runs
}

export async function writeList(installation: Installation, name: string, list: unknown): Promise<string> {
  const file = join(installation.folder, name)
  await writeFile(file, JSON.stringify(list))
  return file
}
