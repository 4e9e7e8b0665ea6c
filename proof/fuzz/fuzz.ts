import { readFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { overConnections } from '../../fans/api.ts'
import type { OwnServer } from '../../fans/own-server.ts'
import { ask as fanAsks } from '../../fans/questions.ts'
import type { Attempt } from './attempt.ts'
import { type Ask, gatherCast, logInAgain, type Person } from './cast.ts'
import { type Chance, chanceOf } from './chance.ts'
import { type OpenApi, type Operation, operationAt, readDocument } from './document.ts'
import { judge } from './judge.ts'
import { keepSecret, learn } from './learn.ts'
import { emptyReport, type FuzzReport, note, takenIn } from './report.ts'
import { mayCall, type Role, rights } from './rights.ts'
import { type Answer, curlOf, send } from './send.ts'
import { setTheScene } from './setting.ts'
import { soundRequest } from './sound.ts'
import { spoil, toTheEdge } from './spoil.ts'
import { World } from './world.ts'

export type FuzzOptions = { server: OwnServer; requests: number; seed: number; tell: (line: string) => void }

/**
 * So many are under way at once, and what they tell is taken in when all of them have answered, in their order: what a request asks for
 * depends on its seed and on earlier rounds, never on who was quicker.
 */
const roundSize = 48
const tokenAgeMaxMs = 40 * 60_000
/** Passwords are slow on purpose, an import is a process of its own: these are asked less often. */
const seldom: Record<string, number> = {
  logIn: 0.25,
  signUp: 0.25,
  createStaff: 0.25,
  importSeatMap: 0.2,
  streamAvailability: 0.4,
  streamReservation: 0.4,
  streamFigures: 0.4,
}
const often: Record<string, number> = {
  holdSeats: 5,
  checkOut: 3,
  getReservation: 2,
  refundReservation: 2,
  getTicket: 2,
  printTickets: 2,
}

/** Asks a box office for everything that its document names, rightly and wrongly, as everybody, and judges each answer. */
export async function fuzz({ server, requests, seed, tell }: FuzzOptions): Promise<FuzzReport> {
  const startedAt = performance.now()
  const { url } = server
  const agent = new Agent({ keepAlive: true, maxSockets: roundSize })
  const fanApi = overConnections()
  const ask: Ask = async ({ path, method, token, body, key }) => {
    const question = {
      path,
      ...(method && { method }),
      ...(token && { token }),
      ...(body && { body }),
      ...(key && { key }),
    }
    const answer = await fanApi(url, question)
    if (answer.status >= 300 || answer.status === 0)
      throw new Error(`${path} answers ${answer.status}: ${answer.body.detail}`)
    return answer.body
  }
  const document = readDocument((await (await fetch(`${url}/openapi.json`)).json()) as OpenApi)
  const unknown = document.operations.filter(({ id }) => rights[id] === undefined).map(({ id }) => id)
  if (unknown.length > 0) throw new Error(`proof/fuzz/rights.ts says nothing of ${unknown.join(', ')}`)
  const { payments } = await ask({ path: '/v1/config' })
  const credentials = JSON.parse(await readFile(join(server.folder, 'sandbox/credentials.json'), 'utf8'))
  const webhookSecret = credentials.webhook_secrets[0].secret as string

  const world = new World()
  const people = await gatherCast(ask, { email: server.email, password: server.password })
  const cast = [...people]
  for (const person of people) {
    world.secrets.set(person.mark, person)
    world.secrets.set(person.userId, person)
  }
  await setTheScene(ask, world, people.find(({ role }) => role === 'organizer')!)
  let loggedInAt = performance.now()
  const report = emptyReport(document.operations, { seed, requests })
  const lots = document.operations.flatMap(operation =>
    Array.from({ length: Math.round(20 * (seldom[operation.id] ?? often[operation.id] ?? 1)) }, () => operation),
  )

  for (let from = 0; from < requests; from += roundSize) {
    if (performance.now() - loggedInAt > tokenAgeMaxMs) {
      await logInAgain(ask, cast)
      loggedInAt = performance.now()
    }
    const round = Array.from({ length: Math.min(roundSize, requests - from) }, (_, i) => attemptOf(from + i))
    const answers = await Promise.all(round.map(play))
    for (const [i, attempt] of round.entries()) learn(attempt, answers[i]!, world, people)
    await Promise.all(round.map((attempt, i) => pay(attempt, answers[i]!)))
    if ((from / roundSize) % 40 === 39)
      tell(
        `${from + round.length} of ${requests}, ${report.found.length} kinds of findings, ${world.all('ticket').length} tickets known`,
      )
  }
  agent.destroy()
  fanApi.close()
  return takenIn(report, (performance.now() - startedAt) / 1000)

  function attemptOf(index: number): Attempt {
    const chance = chanceOf(seed, index)
    const due = world.errands.findIndex(errand => errand.from <= index)
    const errand = due === -1 ? undefined : world.errands.splice(due, 1)[0]
    const operation =
      errand === undefined ? chance.one(lots) : document.operations.find(({ id }) => id === errand.operation)!
    const isAnybody = errand === undefined && chance.is(0.25)
    const person = errand?.person ?? (isAnybody ? anybody(chance) : somebodyWhoMay(operation, chance))
    const isForeign = errand === undefined && chance.is(0.2)
    const sound = soundRequest({
      index,
      operation,
      person,
      chance,
      world,
      isForeign,
      webhookSecret,
      ...(errand && { id: errand.id }),
    })
    if (errand !== undefined) return sound
    const draw = chance.below(100)
    if (draw < 55) return draw < 4 ? repeated(sound, chance) : sound
    const ports = { chance, people, someId: () => someId(chance) }
    const spoilt = draw < 70 ? toTheEdge(sound, ports) : spoil(sound, ports)
    return { ...spoilt, isWrongBody: isWrong(spoilt) }
  }

  function anybody(chance: Chance): Person | null {
    return chance.is(0.2) ? null : chance.one(people)
  }

  function somebodyWhoMay({ id }: Operation, chance: Chance): Person | null {
    const roles = people.filter(({ role }) => mayCall(id, role))
    return mayCall(id, 'anonymous' satisfies Role) && chance.is(0.3) ? null : chance.one(roles)
  }

  function someId(chance: Chance): string {
    const kind = chance.one(['venue', 'map', 'shop', 'draft', 'reservation', 'ticket'] as const)
    return world.some(kind, chance)?.id ?? chance.one(people).userId
  }

  /** An earlier request again under its key: by the same person, or by another, to whom the key says nothing. */
  function repeated(sound: Attempt, chance: Chance): Attempt {
    const list = world.repeatable.filter(({ operation }) => operation === sound.operation.id)
    const known = list.length > 0 ? chance.one(list) : undefined
    const isSame = chance.is(0.6)
    const person = isSame ? known?.person : chance.one(people)
    if (known === undefined || person === undefined) return sound
    const headers = [
      ['authorization', `Bearer ${person.token}`],
      ['content-type', 'application/json'],
      ['idempotency-key', known.key],
    ] as const
    return {
      ...sound,
      person,
      headers,
      path: known.path,
      body: known.body,
      what: isSame ? 'repeated under its key' : 'under the key of somebody else',
      thing: null,
      hasAccess: false,
      isSound: false,
    }
  }

  function isWrong({ operation, method, path, body, headers }: Attempt): boolean {
    const type = headers.find(([name]) => name === 'content-type')?.[1]
    if (operation.takes === null || body === null || type !== 'application/json') return false
    if (operationAt(document.operations, method, path.split('?', 1)[0]!) !== operation) return false
    try {
      // A mark of the byte order before JSON may be ignored (RFC 8259), and is.
      return !operation.takes(JSON.parse(body.toString().replace(/^\ufeff/, '')))
    } catch {
      return true
    }
  }

  async function play(attempt: Attempt): Promise<Answer> {
    const answer = await send(url, attempt, agent)
    const isCut = answer.status === 0 && Buffer.byteLength(attempt.body ?? '') > 64 * 1024
    // A body that is too long is refused before all of it was sent, and what is under way may break the connection: once more.
    if (isCut) return send(url, attempt, new Agent()).then(again => judged(attempt, again))
    return judged(attempt, answer)
  }

  function judged(attempt: Attempt, answer: Answer): Answer {
    keepSecret(attempt, answer, world.secrets)
    const complaints = judge(attempt, answer, document, world.secrets)
    note(report, attempt, answer, complaints, () => curlOf(url, attempt))
    const key = attempt.headers.find(([name]) => name === 'idempotency-key')?.[1]
    if (
      attempt.isSound &&
      key !== undefined &&
      attempt.person !== null &&
      answer.status < 300 &&
      attempt.body !== null
    ) {
      world.repeatable.push({
        operation: attempt.operation.id,
        person: attempt.person,
        path: attempt.path,
        key,
        body: String(attempt.body),
      })
      if (world.repeatable.length > 300) world.repeatable.shift()
    }
    return answer
  }

  /** Whoever checks out pays, mostly; the bank is not what is asked here. */
  async function pay({ operation, index, isSound, method }: Attempt, { status, body }: Answer): Promise<void> {
    if (operation.id !== 'checkOut' || !isSound || status !== 200 || method !== 'POST') return
    const { client_secret: secret, provider_ref: ref, publishable_key: publishableKey } = JSON.parse(body.toString())
    if (!secret || chanceOf(seed, -index).is(0.3)) return
    await fanApi(payments.sandbox_url, fanAsks.confirm({ ref, secret, publishableKey }, 'pm_card_visa'))
  }
}
