import type { Attempt } from './attempt.ts'
import type { Operation } from './document.ts'
import type { Complaint, FindingKind } from './judge.ts'
import type { Answer } from './send.ts'

/** What was found, once for each kind, operation, status and expectation, with its first example. */
export type Finding = {
  kind: FindingKind
  operation: string
  who: string
  what: string
  expected: string
  request: string
  answer: string
  times: number
  repeat: string
}

export type FuzzReport = {
  requests: number
  operations: number
  server_errors: number
  undocumented: number
  foreign_seen: number
  /** Allowed or refused against the table of rights. */
  rights_wrong: number
  internals_told: number
  /** Success for what the document calls wrong. */
  accepted: number
  slow: number
  unanswered: number
  prototypes_changed: number
  never_succeeded: string[]
  busy: number
  rate_limited: number
  p99_ms: number
  seed: number
  seconds: number
  by_operation: Record<string, { requests: number; succeeded: number }>
  found: Finding[]
}

/** A run of so many reaches every operation with something that it takes. */
const wholeRun = 2000
const foundMax = 100

type Counted = FuzzReport & { times: number[]; keys: Map<string, Finding> }

export function emptyReport(
  operations: readonly Operation[],
  { seed, requests }: { seed: number; requests: number },
): Counted {
  return {
    requests,
    operations: operations.length,
    server_errors: 0,
    undocumented: 0,
    foreign_seen: 0,
    rights_wrong: 0,
    internals_told: 0,
    accepted: 0,
    slow: 0,
    unanswered: 0,
    prototypes_changed: 0,
    never_succeeded: [],
    busy: 0,
    rate_limited: 0,
    p99_ms: 0,
    seed,
    seconds: 0,
    by_operation: Object.fromEntries(operations.map(({ id }) => [id, { requests: 0, succeeded: 0 }])),
    found: [],
    times: [],
    keys: new Map(),
  }
}

const counters = {
  'server-error': 'server_errors',
  undocumented: 'undocumented',
  foreign: 'foreign_seen',
  rights: 'rights_wrong',
  internals: 'internals_told',
  accepted: 'accepted',
  slow: 'slow',
  unanswered: 'unanswered',
  polluted: 'prototypes_changed',
} as const satisfies Record<FindingKind, keyof FuzzReport>

export function note(
  report: Counted,
  attempt: Attempt,
  answer: Answer,
  complaints: readonly Complaint[],
  curl: () => string,
): void {
  const { operation, person, what, index } = attempt
  const { status, body, ms } = answer
  const counted = report.by_operation[operation.id]!
  counted.requests++
  if (status >= 200 && status < 300 && attempt.method === operation.method) counted.succeeded++
  if (status === 503) report.busy++
  if (status === 429) report.rate_limited++
  report.times.push(ms)
  for (const { kind, expected } of complaints) {
    report[counters[kind]]++
    const key = [kind, operation.id, status, expected.replaceAll(/_[0-9a-z]{12,}/g, '_…')].join(' ')
    const known = report.keys.get(key)
    if (known !== undefined) {
      known.times++
      continue
    }
    const finding: Finding = {
      kind,
      operation: operation.id,
      who: person?.name ?? 'anonymous',
      what,
      expected,
      request: curl(),
      answer: `${status} ${body.toString().slice(0, 600)}`,
      times: 1,
      repeat: `npm run fuzz -- --seed ${report.seed} --requests ${index + 1}`,
    }
    report.keys.set(key, finding)
    if (report.found.length < foundMax) report.found.push(finding)
  }
}

export function takenIn({ times, keys, ...report }: Counted, seconds: number): FuzzReport {
  const sorted = times.toSorted((a, b) => a - b)
  const never = Object.entries(report.by_operation).filter(([, { succeeded }]) => succeeded === 0)
  void keys
  return {
    ...report,
    never_succeeded: never.map(([id]) => id),
    p99_ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
    seconds: Math.round(seconds),
  }
}

export function isSound(report: FuzzReport): boolean {
  const missed = report.requests >= wholeRun ? report.never_succeeded.length : 0
  return missed === 0 && Object.values(counters).every(name => report[name] === 0)
}

export function printed(report: FuzzReport): string {
  const found = report.found.map(
    ({ kind, operation, who, what, expected, request, answer, times, repeat }) => `
${kind}: ${operation}, ${what}, as ${who}${times > 1 ? ` (${times} times)` : ''}
  request   ${request}
  answer    ${answer}
  expected  ${expected}
  again     ${repeat}`,
  )
  return `${report.requests} requests to ${report.operations} operations in ${report.seconds} s
  errors of the server    ${report.server_errors}
  undocumented answers    ${report.undocumented}
  foreign objects seen    ${report.foreign_seen}
  rights wrong            ${report.rights_wrong}
  internals told          ${report.internals_told}
  wrong bodies accepted   ${report.accepted}
  slow, unanswered        ${report.slow}, ${report.unanswered}
  prototypes changed      ${report.prototypes_changed}
  never with success      ${report.never_succeeded.join(', ') || 'none'}
  busy, rate limited      ${report.busy}, ${report.rate_limited}
  p99                     ${report.p99_ms} ms
${found.join('\n')}
`
}
