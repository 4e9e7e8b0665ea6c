import { harmlessPairs, shuffle } from '../../fans/seat-pairs.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import { balance } from '../balance.ts'
import type { HoldList } from '../generator.ts'
import { createEvents, createInstallation, type Installation, writeList } from '../installation.ts'
import type { BenchOptions } from '../main.ts'
import { type Bar, type BenchReport, printBars, summaryOf, totals } from '../report.ts'
import { type GeneratorResult, runGenerator } from '../run-generator.ts'
import { median, rounded } from '../statistics.ts'
import { prepareTextbook } from '../textbook/textbook.ts'
import { arena, connections, holdAgain } from './arena-load.ts'

/**
 * Winners only: 40 events, two seats a hold, every request of another guest. In each run, one after the other on the same
 * machine: the textbook, the no-op of the same route, and the product, first with every connection busy (the knee), then at
 * half that rate with open-loop arrivals, from which the latencies come.
 */
export async function holds({ runs, seconds, profile, log }: BenchOptions): Promise<BenchReport> {
  const installation = await createInstallation({ log, profile })
  try {
    const { events, runs: rows } = await createEvents(installation, {
      plan: arena,
      count: 40,
    })
    log(`${events.length} events on sale`)
    const random = seededRandom(7)
    const pairs = harmlessPairs(rows)
    const list: HoldList = shuffle(
      events.flatMap(({ eventId }) => pairs.map(pair => ({ eventId, pair }))),
      random,
    )
    const file = await writeList(installation, 'holds.json', list)
    const textbook = await prepareTextbook(installation.databaseUrl)
    const noOp = await installation.startNoOp()
    let from = 0
    const generate = async (target: URL, ratePerSecond: number | null, forSeconds: number, count: number) => {
      const result = await runGenerator({
        secret: installation.secret,
        load: { host: target.hostname, port: Number(target.port), connections, ratePerSecond, seconds: forSeconds },
        requests: { kind: 'holds', file, from, count: Math.min(count, list.length - from) },
      })
      from += result.sent
      return result
    }

    log('warming up')
    await generate(installation.server.url, null, 3, 30_000)
    const measured: Run[] = []
    for (let run = 1; run <= runs; run++) {
      const textbookRate = await textbook.holdsPerSecond(seconds)
      const bare = await holdAgain(installation, noOp.bareUrl, seconds)
      const nothing = await holdAgain(installation, noOp.url, seconds)
      const before = installation.cpu()
      const knee = await generate(installation.server.url, null, seconds, 25_000 * seconds)
      const cpu = cpuPerHold(before, installation.cpu(), knee)
      const kneeRate = knee.wins.count / knee.seconds
      const waitedBefore = installation.waited()
      const half = await generate(installation.server.url, kneeRate / 2, seconds, Math.ceil(kneeRate * seconds))
      const waited = shareOf(waitedBefore, installation.waited(), half.seconds)
      const result = {
        run,
        textbook: textbookRate,
        bare,
        no_op: nothing,
        knee: kneeRate,
        cpu_us_per_hold: cpu,
        knee_run: knee,
        half_run: half,
        half_waited: waited,
      }
      measured.push(result)
      log(
        `run ${run}: ${Math.round(kneeRate)} holds/s (CPU a hold: server ${cpu.server}, PostgreSQL ${cpu.postgres}, generator ${cpu.generator} µs), textbook ${Math.round(textbookRate)}, no-op ${Math.round(result.no_op)}, bare ${Math.round(result.bare)}; at half p95 ${half.wins.p95_ms} ms, p99 ${half.wins.p99_ms} ms${waited === null ? '' : `, ${Math.round(100 * waited)} % of the time without a processor`}`,
      )
    }
    await noOp.stop()
    return report(measured, await balance(installation), textbook.driver, log)
  } finally {
    await installation.close()
  }
}

type Run = {
  run: number
  textbook: number
  bare: number
  no_op: number
  knee: number
  cpu_us_per_hold: Cpu
  knee_run: GeneratorResult
  half_run: GeneratorResult
  /** Share of the time at half the knee in which the server's main thread had work and no processor. */
  half_waited: number | null
}

type Cpu = { server: number | null; postgres: number | null; generator: number }

function shareOf(before: number | null, after: number | null, seconds: number): number | null {
  return before === null || after === null ? null : rounded((after - before) / seconds, 3)
}

function cpuPerHold(
  before: ReturnType<Installation['cpu']>,
  after: ReturnType<Installation['cpu']>,
  { answered, cpuSeconds }: GeneratorResult,
): Cpu {
  const each = (from: number | null, to: number | null) =>
    from === null || to === null ? null : rounded(((to - from) * 1e6) / answered)
  return {
    server: each(before.server, after.server),
    postgres: each(before.postgres, after.postgres),
    generator: rounded((cpuSeconds * 1e6) / answered),
  }
}

function report(
  measured: Run[],
  balanced: { oversold: number; lost: number },
  driver: string,
  log: (line: string) => void,
): BenchReport {
  const of = (pick: (run: Run) => number) => measured.map(pick)
  const rate = median(of(run => run.knee))
  const ratioTextbook = median(of(run => run.knee / run.textbook))
  const p95 = median(of(run => run.half_run.wins.p95_ms))
  const p99 = median(of(run => run.half_run.wins.p99_ms))
  const bars: Bar[] = [
    {
      name: `holds/s over textbook (${driver})`,
      measured: ratioTextbook,
      wanted: '>= 2.5 (goal 4)',
      met: ratioTextbook >= 2.5,
    },
    { name: 'holds/s', measured: rate, wanted: '> 8000', met: rate > 8000 },
    { name: 'p95 at half the knee, ms', measured: p95, wanted: '< 25', met: p95 < 25 },
    { name: 'p99 at half the knee, ms', measured: p99, wanted: '< 100', met: p99 < 100 },
    { name: 'oversold', measured: balanced.oversold, wanted: '0', met: balanced.oversold === 0 },
  ]
  log(`holds/s      ${summaryOf(of(run => run.knee))}`)
  log(`textbook     ${summaryOf(of(run => run.textbook))}`)
  log(`no-op        ${summaryOf(of(run => run.no_op))}`)
  log(`bare         ${summaryOf(of(run => run.bare))}`)
  log(
    `generator lag p99 at half: ${summaryOf(
      of(run => run.half_run.lag.p99_ms),
      ' ms',
    )}`,
  )
  printBars(bars, log)
  const all = measured.flatMap(run => [run.knee_run, run.half_run])
  return {
    scenario: 'holds',
    rate_per_s: rounded(rate),
    ratio_textbook: rounded(ratioTextbook, 2),
    ratio_noop: rounded(median(of(run => run.knee / run.no_op)), 2),
    p50_ms: median(of(run => run.half_run.wins.p50_ms)),
    p95_ms: p95,
    p99_ms: p99,
    ...totals(all),
    oversold: balanced.oversold,
    bars,
    runs: measured,
  }
}
