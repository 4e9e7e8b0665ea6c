import type { Api } from './api.ts'
import { planCrowd } from './crowd.ts'
import { beFan, type Concert, type Story } from './fan.ts'
import { type Books, type RehearsalReport, reportOf } from './report.ts'

export type RehearsalOptions = {
  url: string
  email: string
  password: string
  /** Id or slug; null makes an event for the purpose. */
  event: string | null
  fans: number
  rate: number
  seed: number
  api: Api
  sleep: (ms: number) => Promise<void>
  /** Called with what there is to tell, some times a second. */
  tell: (progress: Progress) => void
  /** No more fans come. */
  isOver: () => boolean
}

export type Progress = { arrived: number; fans: number; inside: number; ends: Record<string, number>; phase: string }

/** Something that is wrong with the call, not with the box office. */
export class RehearsalProblem extends Error {}

const restMsMax = 120_000
const holdSeconds = 12

/** An on-sale from the opening to the end of the last hold, and what the books say after it. */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalReport> {
  const { url, api, sleep, tell, isOver } = options
  const startedAt = performance.now()
  const v1 = `${url}/v1`
  const config = await api(`${v1}/config`)
  if (config.status !== 200) throw new RehearsalProblem(`${url} does not answer as Holdfast does.`)
  const sandboxUrl = config.body.payments?.sandbox_url as string | null | undefined
  if (!sandboxUrl) throw new RehearsalProblem(`${url} has no payment sandbox: a rehearsal never moves real money.`)
  const login = await api(`${v1}/auth/login`, { body: { email: options.email, password: options.password } })
  if (login.status !== 200)
    throw new RehearsalProblem(
      `Nobody can sign in as ${options.email}; give --admin-email and HOLDFAST_ADMIN_PASSWORD.`,
    )
  const token = login.body.access_token as string
  const eventId = options.event ?? (await makeEvent(v1, api, token))
  const concert = await lookAt(eventId)
  await steer({ webhooks: { copies: [1, 3], delay_ms: [0, 2000], reorder_ms: 500 }, rate_limits: true })

  const plans = planCrowd(options)
  const stories: Story[] = []
  let inside = 0
  const opensAt = performance.now()
  const progress = (phase: string) => {
    const ends: Record<string, number> = {}
    for (const { end } of stories) ends[end] = (ends[end] ?? 0) + 1
    tell({ arrived: stories.length + inside, fans: plans.length, inside, ends, phase })
  }
  const evenings: Promise<void>[] = []
  for (const plan of plans) {
    while (!isOver() && performance.now() - opensAt < plan.arrivesAt) {
      progress('on sale')
      await sleep(Math.min(250, Math.max(1, plan.arrivesAt - (performance.now() - opensAt))))
    }
    if (isOver()) break
    inside++
    evenings.push(
      beFan(plan, concert, { api, sleep, isOver }).then(story => {
        stories.push(story)
        inside--
      }),
    )
  }
  const all = Promise.all(evenings).then(() => 'done' as const)
  while ((await Promise.race([all, sleep(250)])) !== 'done') progress('on sale')
  const books = await atRest()
  await steer({ webhooks: { copies: [1, 1], delay_ms: [0, 0], reorder_ms: 0 }, rate_limits: false })
  progress('done')
  return reportOf(stories, books, (performance.now() - startedAt) / 1000)

  async function lookAt(id: string): Promise<Concert> {
    const event = await api(`${v1}/events/${encodeURIComponent(id)}`)
    if (event.status !== 200) throw new RehearsalProblem(`There is no event ${id} at ${url}.`)
    const { body } = await api(`${v1}/events/${event.body.event_id}/availability`)
    const sections = body.sections as { section: string; kind: string; area_id?: string }[]
    return {
      url,
      sandboxUrl: sandboxUrl!,
      eventId: event.body.event_id,
      sections: sections.filter(it => it.kind === 'seats').map(it => it.section),
      areaId: sections.find(it => it.kind === 'area')?.area_id ?? null,
    }
  }

  async function steer(body: object): Promise<void> {
    await api(`${sandboxUrl}/sandbox/steer`, { body })
  }

  /** The books once nothing is held and no payment is open, or as they are after two minutes. */
  async function atRest(): Promise<Books> {
    const until = performance.now() + restMsMax
    for (;;) {
      const audit = await api(`${v1}/events/${concert.eventId}/audit`, { token })
      const books = audit.body as Books
      const isResting =
        audit.status === 200 && books.held === 0 && books.reserved === 0 && books.refund_pending_amount === 0
      if (isResting || (audit.status === 200 && performance.now() > until)) return books
      if (performance.now() > until + 30_000) throw new RehearsalProblem(`the audit of ${url} answers ${audit.status}`)
      progress('waiting for the last holds to end')
      await sleep(500)
    }
  }
}

/** A hall of 400 seats and a floor of 120, with holds so short that the end of those who leave can be waited for. */
async function makeEvent(v1: string, api: Api, token: string): Promise<string> {
  const post = async (path: string, body: object) => {
    const answer = await api(`${v1}${path}`, { token, body })
    if (answer.status >= 300) throw new RehearsalProblem(`${path} answers ${answer.status}: ${answer.body.detail}`)
    return answer.body
  }
  const venue = await post('/venues', {
    name: 'Rehearsal Hall',
    city: 'Bern',
    country: 'CH',
    timezone: 'Europe/Zurich',
  })
  const zone = (name: string, left: number) => ({
    name,
    position: { x: left, y: 40 },
    areas: [],
    rows: Array.from({ length: 10 }, (_, row) => ({
      row_number: String(row + 1),
      position: { x: 0, y: row * 20 },
      seats: Array.from({ length: 10 }, (_, seat) => ({
        seat_guid: `${name}-${row + 1}-${seat + 1}`,
        seat_number: String(seat + 1),
        position: { x: seat * 14, y: 0 },
        category: 'Seats',
      })),
    })),
  })
  const map = await post(`/venues/${venue.venue_id}/seatmaps`, {
    name: 'Rehearsal',
    size: { width: 900, height: 400 },
    categories: [
      { name: 'Seats', color: '#0072b2' },
      { name: 'Standing', color: '#e69f00' },
    ],
    zones: [
      zone('Left', 20),
      zone('Middle', 220),
      zone('Right', 420),
      zone('Gallery', 620),
      {
        name: 'Floor',
        position: { x: 20, y: 300 },
        rows: [],
        areas: [
          {
            shape: 'rectangle',
            position: { x: 0, y: 0 },
            rectangle: { width: 400, height: 60 },
            text: { text: 'Floor' },
          },
        ],
      },
    ],
    holdfast: { areas: { '0': { area_id: 'floor', name: 'Floor', capacity: 120, price_level: 'Standing' } } },
  })
  const event = await post('/events', {
    venue_id: venue.venue_id,
    seatmap_id: map.seatmap_id,
    name: 'Rehearsal',
    starts_at: '2035-06-01T18:00:00Z',
    currency: 'EUR',
    price_levels: [
      { price_level: 'Seats', name: 'Seats', amount: 4500 },
      { price_level: 'Standing', name: 'Standing', amount: 2500 },
    ],
    hold_policy: { hold_seconds: holdSeconds, max_extensions: 0, extension_seconds: 10, single_seat_rule: 'allow' },
  })
  await post(`/events/${event.event_id}/onsale`, { action: 'open' })
  return event.event_id as string
}
