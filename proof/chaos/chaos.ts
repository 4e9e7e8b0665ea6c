import { setTimeout as sleep } from 'node:timers/promises'
import { type Id, toUuid } from '#kernel/ids.ts'
import { openDatabase } from '#platform/postgres/database.ts'
import type { Answer, Api } from '../../fans/api.ts'
import { makeConcert } from '../../fans/hall.ts'
import { ask, type Question } from '../../fans/questions.ts'
import type { Books } from '../../fans/report.ts'
import { brokenBooks } from '../../test/harness/books.ts'
import { bankSide } from '../bank-side.ts'
import type { BoxOffice } from './box-office.ts'
import { letBuyersIn } from './buyers.ts'
import { faultsOf } from './faults.ts'
import { lostPromises, seatsInTwoHands } from './promises.ts'
import { readRecord } from './record.ts'
import { hurt, type Recovery } from './schedule.ts'

export type ChaosOptions = {
  office: BoxOffice
  api: Api
  minutes: number
  seed: number
  /** Buyers a second. */
  rate: number
  isOver: () => boolean
  tell: (line: string) => void
}

export type ChaosReport = {
  minutes: number
  seed: number
  faults: Record<string, number>
  acknowledged: number
  acknowledged_lost: number
  oversold: number
  balanced: boolean
  worst_recovery_s: number
  recovery: Record<string, { times: number; median_s: number; worst_s: number; within_s: number }>
  /** What is wrong, in sentences. */
  wrong: string[]
  /** Answers that are not documented for what was asked. */
  odd_answers: Record<string, number>
  turned_away: number
  /** Processes that ended although nobody killed them. */
  deaths: number
  bank_difference: number
  skipped: Record<string, string>
  rest_s: number
}

const holdSeconds = 12
/** After the last fault: expired holds, payments of which nobody heard, and the bank's list, which is read every minute. */
const restMsMax = 240_000
const probeEveryMs = 250
/** Of the probes that buy. */
const ticketEveryMs = 1000
const ticketMsMax = 30_000
const probeMsMax = 90_000
const bars = { recovery_s: 10, disk_s: 60 }

/** A sale at half load while its processes, wires, disk and bank are hurt; then everything that was ever promised is looked up. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { office, api, minutes, seed, rate, tell } = options
  const urls = office.doors.map(door => door.process.url)
  const startedAt = performance.now()
  let token = ''
  const staff = async (question: Question): Promise<Answer> => {
    for (let tries = 0; ; tries++) {
      const url = urls[tries % urls.length]!
      const answer = await api(url, { ...question, token })
      if (answer.status === 401) {
        const body = { email: office.email, password: office.password }
        const login = await api(url, { path: '/v1/auth/login', body })
        token = login.body.access_token ?? token
      } else if ((answer.status !== 0 && answer.status !== 503) || tries > 60) return answer
      await sleep(300)
    }
  }
  const organise = async (path: string, body: object) => {
    const answer = await staff({ path: `/v1${path}`, body })
    if (answer.status >= 300) throw new Error(`${path} answers ${answer.status}: ${answer.body.detail}`)
    return answer.body
  }
  const places = 1500 + Math.round(minutes * rate * 25)
  const eventId = await makeConcert({ places, holdSeconds, maxExtensions: 1 }, organise)
  // Probes need places that nobody else wants.
  const probed = await makeConcert({ places: 2000 + Math.round(minutes * 200), holdSeconds }, organise)
  const seats = await seatsOf(eventId)
  const { body: config } = await api(urls[0]!, { path: '/v1/config' })
  const { sandbox_url: sandboxUrl, publishable_key: publishableKey } = config.payments
  const bank = bankSide(api, { url: sandboxUrl, folder: office.folder })

  const rows = [...Map.groupBy(seats.keys(), id => id.slice(0, id.lastIndexOf('-'))).values()]
  const buyers = letBuyersIn({ urls, sandboxUrl, publishableKey, eventId, rows, staff }, api, { rate, seed })
  const isOver = () => options.isOver() || performance.now() - startedAt > minutes * 60_000
  const schedule = hurt(faultsOf(office, bank, { holdSeconds }), {
    seed,
    until: isOver,
    houseServes: async () => void (await Promise.all(urls.map(url => soon(() => holdsAt(url))))),
    moneyServes: () => soon(() => paysAt(urls[0]!)),
    workerServes: () => soon(() => sellsAt(urls[0]!), ticketEveryMs),
  })
  let phase = 'sale'
  let hurtMs = 0
  const telling = setInterval(() => tell(progress()), 5000)
  try {
    await schedule.done
    hurtMs = performance.now() - startedAt
    phase = 'the last buyers'
    await buyers.stop()
    phase = 'coming to rest'
    const restedAt = performance.now()
    const books = await comeToRest()
    return await report(books, (performance.now() - restedAt) / 1000)
  } finally {
    clearInterval(telling)
  }

  async function seatsOf(event: string): Promise<Map<string, number>> {
    const { body } = await api(urls[0]!, ask.availability(event))
    const sections = (body.sections as { kind: string; section: string }[]).filter(({ kind }) => kind === 'seats')
    const found = new Map<string, number>()
    for (const { section } of sections) {
      const { body: listed } = await api(urls[0]!, ask.seats(event, section))
      for (const { seat_id, seat_no } of listed.seats as { seat_id: string; seat_no: number }[])
        found.set(seat_id, seat_no)
    }
    return found
  }

  /** Resolves when one try succeeds. They begin one after the other and do not wait for each other: one may hang. */
  function soon(isServed: () => Promise<boolean>, everyMs = probeEveryMs): Promise<void> {
    return new Promise(resolve => {
      const giveUpAt = performance.now() + probeMsMax
      const look = () =>
        void isServed().then(yes => {
          if (yes || performance.now() > giveUpAt) finish()
        })
      const timer = setInterval(look, everyMs)
      const finish = () => {
        clearInterval(timer)
        resolve()
      }
      look()
    })
  }

  async function holdsAt(url: string): Promise<boolean> {
    const [held, read] = await Promise.all([holdOneAt(url), api(url, ask.event(eventId))])
    if (held !== null) void api(url, ask.cancel(held, held.reservationId))
    return held !== null && read.status === 200
  }

  async function paysAt(url: string): Promise<boolean> {
    const held = await holdOneAt(url)
    if (held === null) return false
    const buyer = { email: 'probe@example.org', name: 'Probe' }
    const { status } = await api(url, ask.checkOut(held, held.reservationId, buyer))
    void api(url, ask.cancel(held, held.reservationId))
    return status === 200
  }

  /** A place is paid for, and the worker makes a ticket of it. */
  async function sellsAt(url: string): Promise<boolean> {
    const held = await holdOneAt(url)
    if (held === null) return false
    const buyer = { email: 'probe@example.org', name: 'Probe' }
    const { status, body } = await api(url, ask.checkOut(held, held.reservationId, buyer))
    if (status !== 200) return false
    const { provider_ref: ref, client_secret: secret } = body
    const paid = await api(sandboxUrl, ask.confirm({ ref, secret, publishableKey }, 'pm_card_visa'))
    if (paid.status !== 200) return false
    for (const until = performance.now() + ticketMsMax; performance.now() < until; await sleep(100)) {
      const seen = await api(url, ask.reservation(held, held.reservationId))
      if (seen.status === 200 && seen.body.state === 'confirmed') return true
    }
    return false
  }

  async function holdOneAt(url: string): Promise<{ token: string; reservationId: string } | null> {
    const guest = await api(url, ask.guest())
    if (guest.status !== 201) return null
    const me = { token: guest.body.access_token as string }
    const places = { areas: [{ area_id: 'floor', quantity: 1 }] }
    const held = await api(url, ask.hold({ ...me, key: 'probe' }, probed, places))
    return held.status === 201 ? { ...me, reservationId: held.body.reservation_id } : null
  }

  /** The books of the sale, and of the probes, which bought too. */
  async function comeToRest(): Promise<Books[]> {
    for (const until = performance.now() + restMsMax; ; await sleep(1000)) {
      const both = await Promise.all([eventId, probed].map(id => staff({ path: `/v1/events/${id}/audit` })))
      const books = both.map(({ body }) => body as Books)
      const isAtRest = books.every(it => it.held === 0 && it.reserved === 0 && it.refund_pending_amount === 0)
      if (isAtRest || performance.now() > until) return books
    }
  }

  async function report(books: readonly Books[], restSeconds: number): Promise<ChaosReport> {
    const db = openDatabase({ url: office.postgres.url, max: 2, name: 'chaos' })
    try {
      const seatIds = new Map([...seats].map(([id, no]) => [no, id]))
      const kept = await readRecord(db, toUuid(eventId as Id<'evt'>), seatIds)
      const lost = lostPromises(buyers.promised.values(), kept)
      const twice = seatsInTwoHands(kept.changes)
      const broken = await brokenBooks(db)
      const sum = (amounts: Iterable<number>) => [...amounts].reduce((total, amount) => total + amount, 0)
      const taken = sum((await bank.intents()).map(intent => intent.amount_received))
      const back = sum((await bank.givenBack()).values())
      const captured = sum(books.map(it => it.captured_amount))
      const refunded = sum(books.map(it => it.refunded_amount))
      const difference = Math.abs(taken - captured) + Math.abs(back - refunded)
      const unrested = sum(books.map(it => it.held + it.reserved))
      const owed = sum(books.map(it => it.refund_pending_amount))
      const rest = [
        ...(unrested > 0 ? [`${unrested} places are not at rest`] : []),
        ...(owed > 0 ? [`${owed} are still to be given back`] : []),
      ]
      const deaths = [...office.doors, office.worker].flatMap(({ process }) => process.deaths())
      const byKind = Map.groupBy(schedule.recoveries, ({ kind }) => kind)
      return {
        minutes: Math.round((hurtMs / 60_000) * 10) / 10,
        seed,
        faults: Object.fromEntries([...byKind].map(([kind, all]) => [kind, all.length])),
        acknowledged: buyers.acknowledged(),
        acknowledged_lost: lost.length,
        oversold: sum(books.map(it => it.oversold)) + twice.length,
        balanced: books.every(it => it.balanced) && broken.length === 0,
        worst_recovery_s: seconds(Math.max(0, ...schedule.recoveries.map(one => one.recoveryMs))),
        recovery: Object.fromEntries([...byKind].map(([kind, all]) => [kind, recoveryOf(kind, all)])),
        wrong: [...lost, ...twice, ...broken, ...rest, ...deaths].slice(0, 40),
        odd_answers: Object.fromEntries(buyers.odd),
        turned_away: buyers.turnedAway(),
        deaths: deaths.length,
        bank_difference: difference,
        skipped: typeof office.disk === 'string' ? { 'disk full': office.disk } : {},
        rest_s: Math.round(restSeconds),
      }
    } finally {
      await db.close()
    }
  }

  function progress(): string {
    const at = Math.round((performance.now() - startedAt) / 1000)
    const now = phase === 'sale' ? schedule.hurt().join(', ') || 'nobody is hurt' : phase
    return `${at} s: ${schedule.recoveries.length} faults, ${buyers.acknowledged()} acknowledged, ${buyers.turnedAway()} turned away · ${now}`
  }
}

function recoveryOf(kind: string, all: readonly Recovery[]): ChaosReport['recovery'][string] {
  const sorted = all.map(one => one.recoveryMs).sort((a, b) => a - b)
  return {
    times: all.length,
    median_s: seconds(sorted[Math.floor(sorted.length / 2)]!),
    worst_s: seconds(sorted.at(-1)!),
    within_s: kind === 'disk full' ? bars.disk_s : bars.recovery_s,
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
