import { harmlessPairs, shuffle } from '../../fans/seat-pairs.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import { balance } from '../balance.ts'
import type { HoldList } from '../generator.ts'
import { createEvents, createInstallation, writeList } from '../installation.ts'
import type { BenchOptions } from '../main.ts'
import { type Bar, type BenchReport, printBars, totals } from '../report.ts'
import { type GeneratorResult, runGenerator } from '../run-generator.ts'
import { median, rounded } from '../statistics.ts'
import { arena, connections } from './arena-load.ts'

const multiples = [5, 10] as const

/**
 * The knee, then five and ten times its connections, each of which asks again as soon as it is answered: more than two cores can
 * serve, and more than a generator beside it could send at fixed times. What counts is how much of the knee's goodput remains, how
 * quickly the others are told, and how soon all is well afterwards.
 */
export async function overload({ runs, seconds, profile, log }: BenchOptions): Promise<BenchReport> {
  const installation = await createInstallation({ log, profile })
  try {
    const { events, runs: rows } = await createEvents(installation, { plan: arena, count: 60 })
    const list: HoldList = shuffle(
      events.flatMap(({ eventId }) => harmlessPairs(rows).map(pair => ({ eventId, pair }))),
      seededRandom(7),
    )
    const file = await writeList(installation, 'holds.json', list)
    let from = 0
    const press = async (clients: number, ratePerSecond: number | null, forSeconds: number, count: number) => {
      const requests = { kind: 'holds' as const, file, from, count: Math.min(count, list.length - from) }
      const { hostname: host, port } = installation.server.url
      const result = await runGenerator({
        secret: installation.secret,
        load: { host, port: Number(port), connections: clients, ratePerSecond, seconds: forSeconds },
        requests,
      })
      from += result.sent
      return result
    }
    log('warming up')
    await press(connections, null, 3, 30_000)
    const measured: { run: number; knee: number; pressed: Record<string, GeneratorResult>; recovery_s: number }[] = []
    for (let run = 1; run <= runs; run++) {
      const atKnee = await press(connections, null, seconds, 15_000 * seconds)
      const knee = atKnee.wins.count / atKnee.seconds
      const pressed: Record<string, GeneratorResult> = {}
      for (const multiple of multiples)
        pressed[`x${multiple}`] = await press(connections * multiple, null, seconds, 40_000 * seconds)
      const recovery = await recoverySeconds(knee, second => press(connections, knee / 2, second, Math.ceil(knee)))
      measured.push({ run, knee, pressed, recovery_s: recovery })
      const told = multiples.map(multiple => {
        const { wins, refusals, seconds: took } = pressed[`x${multiple}`]!
        return `x${multiple}: ${Math.round(wins.count / took)} holds/s, p95 ${wins.p95_ms} ms; ${refusals.count} refused, p99 ${refusals.p99_ms} ms`
      })
      log(`run ${run}: knee ${Math.round(knee)} holds/s; ${told.join('; ')}; recovered in ${recovery} s`)
    }
    const { oversold } = await balance(installation)
    const bars: Bar[] = multiples.flatMap(multiple => {
      const of = measured.map(run => ({ knee: run.knee, result: run.pressed[`x${multiple}`]! }))
      const goodput = median(of.map(({ knee, result }) => result.wins.count / result.seconds / knee))
      const p99 = median(of.map(({ result }) => result.refusals.p99_ms))
      return [
        {
          name: `goodput at x${multiple}, share of the knee`,
          measured: goodput,
          wanted: '>= 0.9',
          met: goodput >= 0.9,
        },
        { name: `refusals p99 at x${multiple}, ms`, measured: p99, wanted: '< 50', met: p99 < 50 },
      ]
    })
    const recovery = Math.max(...measured.map(run => run.recovery_s))
    bars.push({ name: 'recovery, s', measured: recovery, wanted: '<= 30', met: recovery <= 30 })
    bars.push({ name: 'oversold', measured: oversold, wanted: '0', met: oversold === 0 })
    printBars(bars, log)
    const worst = measured.map(run => run.pressed.x10!)
    return {
      scenario: 'overload',
      rate_per_s: rounded(median(measured.map(run => run.knee))),
      ratio_textbook: null,
      ratio_noop: null,
      p50_ms: median(worst.map(run => run.refusals.p50_ms)),
      p95_ms: median(worst.map(run => run.refusals.p95_ms)),
      p99_ms: median(worst.map(run => run.refusals.p99_ms)),
      ...totals(measured.flatMap(run => Object.values(run.pressed))),
      oversold,
      bars,
      runs: measured,
    }
  } finally {
    await installation.close()
  }
}

/** Seconds until half the knee's rate is served with a p95 below 50 ms again. */
async function recoverySeconds(knee: number, press: (seconds: number) => Promise<GeneratorResult>): Promise<number> {
  for (let second = 1; second <= 60; second++) {
    const { wins, answered } = await press(1)
    if (answered > (knee / 2) * 0.7 && wins.p95_ms < 50 && wins.count === answered) return second
  }
  return 61
}
