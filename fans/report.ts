import type { Story } from './fan.ts'

/** What the box office says of itself afterwards, from its own tables. */
export type Books = {
  capacity: number
  available: number
  held: number
  reserved: number
  sold: number
  blocked: number
  balanced: boolean
  oversold: number
  live_tickets: number
  captured_amount: number
  refunded_amount: number
  refund_pending_amount: number
  quarantined_amount: number
}

export type RehearsalReport = {
  fans: number
  attempts: number
  wins: number
  refusals: Record<string, number>
  errors: number
  oversold: number
  balanced: boolean
  p95_ms: number
  sold: number
  tickets: number
  ends: Record<string, number>
  /** Whose hold ended while they waited for their turn to pay: told so before, and not told. */
  unserved: { warned: number; unwarned: number }
  hold_ms: Latency
  checkout_ms: Latency
  confirmed_ms: Latency
  books: Books
  seconds: number
}

export type Latency = { p50: number; p95: number; p99: number }

export function reportOf(stories: readonly Story[], books: Books, seconds: number): RehearsalReport {
  const hold = latencyOf(stories.flatMap(story => story.holdMs))
  const sum = (pick: (story: Story) => number) => stories.reduce((total, story) => total + pick(story), 0)
  return {
    fans: stories.length,
    attempts: sum(story => story.attempts),
    wins: sum(story => story.wins),
    refusals: tally(stories.flatMap(story => story.refusals)),
    errors: sum(story => story.errors.length),
    oversold: books.oversold,
    balanced: books.balanced,
    p95_ms: hold.p95,
    sold: books.sold,
    tickets: books.live_tickets,
    ends: tally(stories.map(story => story.end)),
    unserved: unservedOf(stories),
    hold_ms: hold,
    checkout_ms: latencyOf(stories.flatMap(story => story.checkoutMs ?? [])),
    confirmed_ms: latencyOf(stories.flatMap(story => story.confirmedMs ?? [])),
    books,
    seconds: Math.round(seconds * 10) / 10,
  }
}

function unservedOf(stories: readonly Story[]): RehearsalReport['unserved'] {
  const unserved = stories.filter(story => story.end === 'not-paid' && story.checkoutMs === null)
  const warned = unserved.filter(story => story.wasWarned).length
  return { warned, unwarned: unserved.length - warned }
}

/** Whether the books are what they must be; anything else is a failure of the box office. */
export function isSound({ oversold, balanced, sold, tickets }: RehearsalReport): boolean {
  return oversold === 0 && balanced && sold === tickets
}

export function printed(report: RehearsalReport): string {
  const { books } = report
  const lines = [
    `${report.fans} fans in ${report.seconds} s: ${report.attempts} attempts to hold, ${report.wins} won`,
    `  what became of them  ${counts(report.ends)}`,
    `  no turn to pay       ${report.unserved.warned} were told before, ${report.unserved.unwarned} were not`,
    `  refusals             ${counts(report.refusals)}`,
    `  errors               ${report.errors}`,
    `  hold                 ${spread(report.hold_ms)}`,
    `  checkout             ${spread(report.checkout_ms)}`,
    `  card to ticket       ${spread(report.confirmed_ms)}`,
    `  the house            ${books.capacity}: ${books.sold} sold, ${books.held + books.reserved} held, ${books.available} free, ${books.blocked} set aside`,
    `  money                ${books.captured_amount} captured, ${books.refunded_amount} given back, ${books.refund_pending_amount} on its way back, ${books.quarantined_amount} quarantined (minor units)`,
    `  tickets              ${report.tickets}`,
    `  the books            ${report.balanced ? 'balance' : 'DO NOT BALANCE'}, oversold ${report.oversold}`,
  ]
  return lines.join('\n')
}

export function latencyOf(values: readonly number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted.length === 0
      ? 0
      : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]! * 10) / 10
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

function tally(names: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {}
  for (const name of names) counted[name] = (counted[name] ?? 0) + 1
  return counted
}

function counts(tallied: Record<string, number>): string {
  const entries = Object.entries(tallied).sort(([, a], [, b]) => b - a)
  return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name} ${count}`).join(', ')
}

function spread({ p50, p95, p99 }: Latency): string {
  return `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms`
}
