import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Reservation } from '#contracts/reservations.ts'
import { guestTokens, loadTokenKeys, type TokenKey } from '#identity'
import { systemClock as clock } from '#kernel/clock.ts'
import { type Id, toUuid } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { type TestDatabase, testDatabase } from '#platform/postgres/test-database.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import { type Answer, ask, type Question } from './ask.ts'
import { type Hall, planOf, priceLevels } from './hall.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** Processes of Holdfast on one database, and whoever asks them. */
export type Installation = Front & {
  database: TestDatabase
  servers: ServerProcess[]
  /** The address of one of them, by chance: in turn, every second seat would be asked for at one process alone. */
  anyUrl(): string
  /** One more, apart from `servers`. */
  start(env?: Record<string, string>): Promise<ServerProcess>
}

/** What does not care where the database is. */
export type Front = {
  env: Record<string, string>
  keys: readonly TokenKey[]
  /** Somebody who has never been here before. */
  newGuest(): Guest
  /** As an administrator; fails unless it succeeds. */
  staff(url: string, question: Question): Promise<Answer>
  createEvent(url: string, event: NewEvent): Promise<SaleEvent>
}

export type Guest = { token: string; userId: string }
export type NewEvent = { hall: Hall; ticketLimit?: number; holdPolicy?: object; open?: boolean; isFree?: boolean }
export type SaleEvent = { eventId: string; eventUuid: string }

const administrator = { email: 'admin@holdfast.localhost', password: 'a password for the tests only' }
const random = systemRandom()

export async function installation({ processes = 1, env = {} as Record<string, string> } = {}): Promise<Installation> {
  const started: ServerProcess[] = []
  // Before the database has its own: a server that is stopping still needs it.
  after(() => Promise.all(started.map(server => server.end('SIGTERM'))))
  const database = await testDatabase({ max: 4 })
  const front = await createFront({ DATABASE_URL: database.url, ...env })
  const start = async (more = {}) => {
    const server = await startServerProcess({ ...front.env, ...more })
    started.push(server)
    return server
  }
  // One after the other: the first one makes the administrator.
  for (let i = 0; i < processes; i++) await start()
  const servers = [...started]
  const fraction = seededRandom(Number(process.env.HOLDFAST_TEST_SEED ?? 1))
  const anyUrl = () => servers[Math.floor(fraction() * servers.length)]!.url
  return { ...front, database, servers, start, anyUrl }
}

/** A data folder and settings of its own; without `DATABASE_URL` among them the servers bring their database. */
export async function createFront(env: Record<string, string> = {}): Promise<Front> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-e2e-'))
  after(() => rm(folder, { recursive: true, force: true }))
  const secret = randomBytes(32).toString('base64url')
  const keys = await loadTokenKeys({ secret, folder, clock, random })
  const openForGuest = guestTokens({ keys, clock, random })
  let staffToken: string | undefined

  async function staff(url: string, question: Question): Promise<Answer> {
    if (staffToken === undefined) {
      const login = await ask(url, { method: 'POST', path: '/v1/auth/login', body: administrator })
      assert.equal(login.status, 200, JSON.stringify(login.body))
      staffToken = login.body.access_token as string
    }
    let answer: Answer
    // An organiser whose server is full waits as well.
    do answer = await ask(url, { token: staffToken, ...question })
    while (answer.status === 503 && (await wait(100, true)))
    assert.ok(answer.status < 300, `${question.method} ${question.path}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  // An import is a process of its own: each hall is drawn once.
  const venues = new Map<string, { venue_id: string; seatmap_id: string }>()
  async function venueWith(hall: Hall, post: (path: string, body: object) => Promise<Answer['body']>) {
    const name = JSON.stringify(hall)
    const known = venues.get(name)
    if (known !== undefined) return known
    const where = { name: 'Hall', city: 'Bern', country: 'CH', timezone: 'Europe/Zurich' }
    const { venue_id } = await post('/v1/venues', where)
    const { seatmap_id } = await post(`/v1/venues/${venue_id}/seatmaps`, planOf(hall))
    venues.set(name, { venue_id, seatmap_id })
    return { venue_id, seatmap_id }
  }

  return {
    keys,
    env: {
      HOLDFAST_DATA: folder,
      HOLDFAST_TOKEN_SECRET: secret,
      HOLDFAST_DEMO: 'false',
      HOLDFAST_ADMIN_EMAIL: administrator.email,
      HOLDFAST_ADMIN_PASSWORD: administrator.password,
      HOLDFAST_LOG_LEVEL: 'warn',
      PORT: '0',
      ...env,
    },
    newGuest() {
      const { accessToken, userId } = openForGuest()
      return { token: accessToken, userId }
    },
    staff,
    async createEvent(url, { hall, ticketLimit, holdPolicy, open = true, isFree = false }) {
      const post = async (path: string, body: object) => (await staff(url, { method: 'POST', path, body })).body
      const event = await post('/v1/events', {
        ...(await venueWith(hall, post)),
        name: 'Evening',
        starts_at: '2031-06-01T19:00:00Z',
        currency: 'CHF',
        price_levels: isFree ? priceLevels.map(level => ({ ...level, amount: 0 })) : priceLevels,
        ...(ticketLimit !== undefined && { ticket_limit: ticketLimit }),
        ...(holdPolicy !== undefined && { hold_policy: holdPolicy }),
      })
      if (open) await post(`/v1/events/${event.event_id}/onsale`, { action: 'open' })
      return { eventId: event.event_id, eventUuid: toUuid(event.event_id as Id<'evt'>) }
    },
  }
}

export type HoldAnswer = Omit<Answer, 'body'> & { body: Reservation & { code?: string } & Record<string, unknown> }

/** Asks for places with a key of its own unless one is given. */
export function hold(url: string, who: Guest, places: object, question: Partial<Question> = {}): Promise<HoldAnswer> {
  const key = question.key ?? newKey()
  return ask(url, { method: 'POST', path: '/v1/reservations', token: who.token, ...question, key, body: places })
}

export function newKey(): string {
  return randomBytes(12).toString('base64url')
}
