import { readFileSync } from 'node:fs'
import { createEvents, createInstallation } from '../installation.ts'
import type { BenchOptions } from '../main.ts'
import { type Bar, type BenchReport, printBars, totals } from '../report.ts'
import { runGenerator } from '../run-generator.ts'
import { arena, connections } from './arena-load.ts'

/** Fifty arenas on sale and looked at: what the Node process takes, PostgreSQL apart. */
export async function memory({ seconds, profile, log }: BenchOptions): Promise<BenchReport> {
  const installation = await createInstallation({ log, profile })
  try {
    const { events } = await createEvents(installation, { plan: arena, count: 50 })
    const pid = installation.server.process.pid!
    const atRest = rssMegabytes(pid)
    const paths = events.flatMap(({ eventId }) =>
      ['', '/availability', '/availability/snapshot'].map(rest => `/v1/events/${eventId}${rest}`),
    )
    const { hostname: host, port } = installation.server.url
    const looked = await runGenerator({
      secret: installation.secret,
      load: { host, port: Number(port), connections, ratePerSecond: 2000, seconds },
      requests: { kind: 'gets', paths, count: 2500 * seconds },
    })
    const inUse = rssMegabytes(pid)
    log(`RSS with 50 events made: ${atRest} MB; all of them in memory and looked at: ${inUse} MB`)
    const bars: Bar[] = [{ name: 'RSS of the server, MB', measured: inUse, wanted: '< 300', met: inUse < 300 }]
    printBars(bars, log)
    return {
      scenario: 'memory',
      rate_per_s: null,
      ratio_textbook: null,
      ratio_noop: null,
      p50_ms: looked.wins.p50_ms,
      p95_ms: looked.wins.p95_ms,
      p99_ms: looked.wins.p99_ms,
      ...totals([looked]),
      oversold: 0,
      rss_mb: inUse,
      bars,
      runs: [{ rss_mb_at_rest: atRest, rss_mb: inUse }],
    }
  } finally {
    await installation.close()
  }
}

function rssMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}
