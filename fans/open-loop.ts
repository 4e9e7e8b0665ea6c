import { build, type Histogram } from 'hdr-histogram-js'
import { type Answer, Connection } from './connection.ts'
import { seededRandom } from './seeded-random.ts'

/**
 * Sends requests at the times they are due, whether or not earlier ones have been answered, and counts each one's latency from
 * the time it was due: a server that stalls cannot make the generator wait with it and look fast (coordinated omission).
 */
export type OpenLoopOptions = {
  host: string
  port: number
  connections: number
  /** Arrivals a second, Poisson. `null`: every connection always busy, which finds the ceiling and says nothing of latency. */
  ratePerSecond: number | null
  seconds: number
  /** The bytes of request n, or null when there are no more. */
  next: (n: number) => Buffer | null
  /** A win counts as goodput; everything else is sorted by `code`. */
  seed?: number
}

export type OpenLoopResult = {
  seconds: number
  sent: number
  answered: number
  /** Requests due that found every connection busy when they were due. */
  waited: number
  outcomes: Record<string, number>
  wins: LatencySummary
  refusals: LatencySummary
  /** How late the generator itself was in sending, its own measure of trust. */
  lag: LatencySummary
}

export type LatencySummary = {
  count: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  p999_ms: number
  max_ms: number
}

export async function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { ratePerSecond, seconds, next } = options
  const random = seededRandom(options.seed ?? 1)
  const connections = Array.from({ length: options.connections }, () => new Connection(options))
  await Promise.all(connections.map(connection => connection.open()))
  const idle = [...connections]
  const due: { bytes: Buffer; at: number }[] = []
  let dueHead = 0
  const wins = histogram()
  const refusals = histogram()
  const lag = histogram()
  const outcomes: Record<string, number> = {}
  let sent = 0
  let answered = 0
  let waited = 0
  let exhausted = false

  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let lastAnswerAt = startedAt

  const dispatch = (connection: Connection, bytes: Buffer, at: number) => {
    connection.send(bytes, answer => {
      const now = performance.now()
      lastAnswerAt = now
      answered++
      const outcome = outcomeOf(answer)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      const latency = outcome.startsWith('2') || outcome === '304' ? wins : refusals
      latency.recordValue(Math.max(1, Math.round((now - at) * 1000)))
      if (ratePerSecond === null) {
        if (now < endsAt) feed(connection, now)
        else idle.push(connection)
      } else if (dueHead < due.length) {
        const waiting = due[dueHead++]!
        dispatch(connection, waiting.bytes, waiting.at)
      } else idle.push(connection)
    })
  }
  const feed = (connection: Connection, now: number) => {
    const bytes = next(sent)
    if (bytes === null) {
      exhausted = true
      idle.push(connection)
      return
    }
    sent++
    dispatch(connection, bytes, now)
  }

  if (ratePerSecond === null) for (const connection of idle.splice(0)) feed(connection, performance.now())
  let nextAt = startedAt
  const arrive = (now: number) => {
    while (ratePerSecond !== null && nextAt <= now && nextAt < endsAt && !exhausted) {
      const bytes = next(sent)
      if (bytes === null) {
        exhausted = true
        break
      }
      sent++
      lag.recordValue(Math.max(1, Math.round((performance.now() - nextAt) * 1000)))
      const connection = idle.pop()
      if (connection === undefined) {
        waited++
        due.push({ bytes, at: nextAt })
      } else dispatch(connection, bytes, nextAt)
      nextAt += (-Math.log(1 - random()) / ratePerSecond) * 1000
    }
  }
  await new Promise<void>(resolve => {
    const tick = () => {
      const now = performance.now()
      arrive(now)
      const over = now >= endsAt || exhausted
      // Ten seconds of grace: what is not answered by then never will be, and is counted as an error.
      if (over && (answered === sent || now > endsAt + 10_000)) return resolve()
      setTimeout(tick, 1)
    }
    tick()
  })
  const elapsed = (Math.max(lastAnswerAt, startedAt + 1) - startedAt) / 1000
  if (sent > answered) outcomes['no-answer'] = sent - answered
  for (const connection of connections) connection.close()
  return {
    seconds: elapsed,
    sent,
    answered,
    waited,
    outcomes,
    wins: summarize(wins),
    refusals: summarize(refusals),
    lag: summarize(lag),
  }
}

function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000_000,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })
}

function summarize(values: Histogram): LatencySummary {
  const at = (percentile: number) => (values.totalCount === 0 ? 0 : values.getValueAtPercentile(percentile) / 1000)
  return {
    count: values.totalCount,
    p50_ms: at(50),
    p95_ms: at(95),
    p99_ms: at(99),
    p999_ms: at(99.9),
    max_ms: values.totalCount === 0 ? 0 : values.maxValue / 1000,
  }
}

function outcomeOf(answer: Answer | Error): string {
  if (answer instanceof Error) return 'connection-error'
  if (answer.status < 400) return String(answer.status)
  const at = answer.body.indexOf('"code":"')
  if (at === -1) return String(answer.status)
  const end = answer.body.indexOf('"', at + 8)
  return `${answer.status} ${answer.body.toString('latin1', at + 8, end)}`
}
