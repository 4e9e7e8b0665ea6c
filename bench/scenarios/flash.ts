import { harmlessPairs, type SeatPair, shuffle } from '../../fans/seat-pairs.ts'
import { seededRandom } from '../../fans/seeded-random.ts'
import { balance } from '../balance.ts'
import type { HoldList } from '../generator.ts'
import { createEvents, createInstallation, writeList } from '../installation.ts'
import type { BenchOptions } from '../main.ts'
import { type Bar, type BenchReport, printBars, summaryOf, totals } from '../report.ts'
import { type GeneratorResult, runGenerator } from '../run-generator.ts'
import { median, rounded } from '../statistics.ts'
import { arena, connections, directPath, holdAgain } from './arena-load.ts'

/** One attempt in ten asks for seats that nobody has. */
const winShare = 0.1

/**
 * One house of 30,000 seats, everybody at once: nine of ten attempts come for seats that somebody already holds. Each run has an
 * event of its own, beside the no-op of the same route.
 */
export async function flash({ runs, seconds, profile, log }: BenchOptions): Promise<BenchReport> {
  const installation = await createInstallation({ log, profile })
  try {
    const { events, runs: rows } = await createEvents(installation, { plan: arena, count: runs + 1 })
    log(`${events.length} events on sale, one for each run`)
    const pairs = harmlessPairs(rows)
    const noOp = await installation.startNoOp()
    const attempt = async (eventId: string, forSeconds: number, seed: number) => {
      const list = contended(eventId, pairs, seed)
      const file = await writeList(installation, `flash-${seed}.json`, list)
      const { hostname: host, port } = installation.server.url
      return runGenerator({
        secret: installation.secret,
        load: { host, port: Number(port), connections, ratePerSecond: null, seconds: forSeconds },
        requests: { kind: 'holds', file, from: 0, count: list.length },
      })
    }
    log('warming up')
    await attempt(events[0]!.eventId, 3, 100)
    const measured: Run[] = []
    for (let run = 1; run <= runs; run++) {
      const nothing = await holdAgain(installation, noOp.url, seconds)
      const nothingDirect = await holdAgain(installation, noOp.url, seconds, directPath)
      const result = await attempt(events[run]!.eventId, seconds, run)
      const rate = result.answered / result.seconds
      const share = result.wins.count / result.answered
      measured.push({ run, no_op: nothing, no_op_direct: nothingDirect, rate, share_won: share, run_of: result })
      log(
        `run ${run}: ${Math.round(rate)} attempts/s, ${Math.round(share * 100)} % won, no-op ${Math.round(nothing)}, answered directly ${Math.round(nothingDirect)}; refusals p95 ${result.refusals.p95_ms} ms`,
      )
    }
    await noOp.stop()
    const { oversold } = await balance(installation)
    const rates = measured.map(run => run.rate)
    const ratio = median(measured.map(run => run.rate / run.no_op))
    const bars: Bar[] = [
      { name: 'attempts/s over no-op', measured: ratio, wanted: '>= 0.8', met: ratio >= 0.8 },
      { name: 'oversold', measured: oversold, wanted: '0', met: oversold === 0 },
    ]
    log(`attempts/s  ${summaryOf(rates)}`)
    log(`no-op       ${summaryOf(measured.map(run => run.no_op))}`)
    const overDirect = median(measured.map(run => run.rate / run.no_op_direct))
    log(`no-op answered directly, as holds are: ${summaryOf(measured.map(run => run.no_op_direct))}`)
    log(`attempts/s over that: ${rounded(overDirect, 2)}`)
    printBars(bars, log)
    const at = (pick: (run: GeneratorResult) => number) => median(measured.map(run => pick(run.run_of)))
    return {
      scenario: 'flash',
      rate_per_s: rounded(median(rates)),
      ratio_textbook: null,
      ratio_noop: rounded(ratio, 2),
      ratio_noop_direct: rounded(overDirect, 2),
      p50_ms: at(run => run.refusals.p50_ms),
      p95_ms: at(run => run.refusals.p95_ms),
      p99_ms: at(run => run.refusals.p99_ms),
      ...totals(measured.map(run => run.run_of)),
      oversold,
      bars,
      runs: measured,
    }
  } finally {
    await installation.close()
  }
}

type Run = {
  run: number
  no_op: number
  no_op_direct: number
  rate: number
  share_won: number
  run_of: GeneratorResult
}

/** Pairs in random order, each followed by nine attempts, by others, for pairs that were asked for well before. */
function contended(eventId: string, pairs: readonly SeatPair[], seed: number): HoldList {
  const random = seededRandom(seed)
  const order = shuffle([...pairs], random)
  const losersEach = Math.round(1 / winShare) - 1
  return order.flatMap((pair, i) => [
    { eventId, pair },
    ...Array.from({ length: losersEach }, () => ({
      eventId,
      pair: order[Math.floor(random() * Math.max(1, i - connections))]!,
    })),
  ])
}
