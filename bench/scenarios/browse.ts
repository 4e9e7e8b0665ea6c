import { createEvents, createInstallation } from '../installation.ts'
import type { BenchOptions } from '../main.ts'
import { type Bar, type BenchReport, printBars, summaryOf, totals } from '../report.ts'
import { type GeneratorResult, runGenerator } from '../run-generator.ts'
import { median, rounded } from '../statistics.ts'
import { arena, connections } from './arena-load.ts'

/** What a browser asks for: the event, its counts, the snapshot of its seats, of five events in turn, beside a GET that does nothing. */
export async function browse({ runs, seconds, profile, log }: BenchOptions): Promise<BenchReport> {
  const installation = await createInstallation({ log, profile })
  try {
    const { events } = await createEvents(installation, { plan: arena, count: 5 })
    const paths = events.flatMap(({ eventId }) =>
      ['', '/availability', '/availability/snapshot'].map(rest => `/v1/events/${eventId}${rest}`),
    )
    const noOp = await installation.startNoOp()
    const get = (target: URL, asked: string[], ratePerSecond: number | null, forSeconds: number) =>
      runGenerator({
        secret: installation.secret,
        load: { host: target.hostname, port: Number(target.port), connections, ratePerSecond, seconds: forSeconds },
        requests: { kind: 'gets', paths: asked, count: 60_000 * forSeconds },
      })
    const nothing = ['/v1/events/evt_00000000000000000000000000/availability']
    log('warming up')
    await get(installation.server.url, paths, null, 3)
    await get(noOp.url, nothing, null, 2)
    const measured: { run: number; no_op: number; rate: number; full: GeneratorResult; half: GeneratorResult }[] = []
    for (let run = 1; run <= runs; run++) {
      const idle = await get(noOp.url, nothing, null, seconds)
      const full = await get(installation.server.url, paths, null, seconds)
      const rate = full.wins.count / full.seconds
      const half = await get(installation.server.url, paths, rate / 2, seconds)
      measured.push({ run, no_op: idle.wins.count / idle.seconds, rate, full, half })
      log(
        `run ${run}: ${Math.round(rate)} GET/s, no-op ${Math.round(idle.wins.count / idle.seconds)}; at half p95 ${half.wins.p95_ms} ms`,
      )
    }
    await noOp.stop()
    const rates = measured.map(run => run.rate)
    const ratio = median(measured.map(run => run.rate / run.no_op))
    const p95 = median(measured.map(run => run.half.wins.p95_ms))
    const bars: Bar[] = [
      { name: 'GET/s over no-op', measured: ratio, wanted: '>= 0.8', met: ratio >= 0.8 },
      { name: 'p95 at half, ms', measured: p95, wanted: '< 30', met: p95 < 30 },
    ]
    log(`GET/s  ${summaryOf(rates)}`)
    log(`no-op  ${summaryOf(measured.map(run => run.no_op))}`)
    printBars(bars, log)
    return {
      scenario: 'browse',
      rate_per_s: rounded(median(rates)),
      ratio_textbook: null,
      ratio_noop: rounded(ratio, 2),
      p50_ms: median(measured.map(run => run.half.wins.p50_ms)),
      p95_ms: p95,
      p99_ms: median(measured.map(run => run.half.wins.p99_ms)),
      ...totals(measured.flatMap(run => [run.full, run.half])),
      oversold: 0,
      bars,
      runs: measured,
    }
  } finally {
    await installation.close()
  }
}
