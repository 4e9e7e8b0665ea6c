import type { Api } from './api.ts'
import { planCrowd } from './crowd.ts'
import { beFan, type Concert, type Story } from './fan.ts'
import { type Hall, makeConcert } from './hall.ts'
import { ask } from './questions.ts'
import { type Books, type RehearsalReport, reportOf } from './report.ts'

export type RehearsalOptions = {
  url: string
  email: string
  password: string
  /** Id or slug; null makes an event for the purpose. */
  event: string | null
  /** What is made when no event is named. */
  hall: Hall
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

/** After the end of the last hold. */
const restMsMax = 120_000

/** An on-sale from the opening to the end of the last hold, and what the books say after it. */
export async function rehearse(options: RehearsalOptions): Promise<RehearsalReport> {
  const { url, api, sleep, tell, isOver } = options
  const startedAt = performance.now()
  const config = await api(url, { path: '/v1/config' })
  if (config.status !== 200) throw new RehearsalProblem(`${url} does not answer as Holdfast does.`)
  const sandboxUrl = config.body.payments?.sandbox_url as string | null | undefined
  if (!sandboxUrl) throw new RehearsalProblem(`${url} has no payment sandbox: a rehearsal never moves real money.`)
  const login = await api(url, {
    path: '/v1/auth/login',
    body: { email: options.email, password: options.password },
  })
  if (login.status !== 200)
    throw new RehearsalProblem(
      `Nobody can sign in as ${options.email}; give --admin-email and HOLDFAST_ADMIN_PASSWORD.`,
    )
  const token = login.body.access_token as string
  const concert = await lookAt(options.event ?? (await organise()))
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

  async function organise(): Promise<string> {
    return makeConcert(options.hall, async (path, body) => {
      const answer = await api(url, { path: `/v1${path}`, token, body })
      if (answer.status >= 300) throw new RehearsalProblem(`${path} answers ${answer.status}: ${answer.body.detail}`)
      return answer.body
    })
  }

  async function lookAt(id: string): Promise<Concert> {
    const event = await api(url, ask.event(id))
    if (event.status !== 200) throw new RehearsalProblem(`There is no event ${id} at ${url}.`)
    const { body } = await api(url, ask.availability(event.body.event_id))
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
    await api(sandboxUrl!, { path: '/sandbox/steer', body })
  }

  /** The books once nothing is held and no payment is open, or as they are when that does not come. */
  async function atRest(): Promise<Books> {
    const until = performance.now() + options.hall.holdSeconds * 1000 + restMsMax
    for (;;) {
      const audit = await api(url, { path: `/v1/events/${concert.eventId}/audit`, token })
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
