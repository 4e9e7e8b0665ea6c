import { parseArgs } from 'node:util'
import { overConnections } from '../../fans/api.ts'
import { disaster } from './disaster.ts'
import { failover } from './failover.ts'

const help = `npm run drill -- [options]

What an operator does on the worst day, done to servers of its own while people buy: a synchronous standby takes over, an asynchronous one
that has lost sales takes over, and the database's folder is destroyed and restored, to the end and to an earlier moment. Then the bank's books
are laid beside the tickets. Exit code 1 if anything acknowledged is lost where nothing may be, or a capture has neither ticket nor refund,
or it took too long (10 s for the standby, 60 s of sales and 5 minutes for the restore).

  --only <part>   sync, async or restore
  --seats <n>     how many seats the restored database has (1000000)
  --json          the last line of standard output is one JSON object
  --help          this

  npm run drill -- --only restore --seats 20000
`

const parts = ['sync', 'async', 'restore']
const bars = { outageSeconds: 10, rpoSeconds: 60, rtoSeconds: 300 }

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seats: { type: 'string', default: '1000000' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const seats = Number(values.seats)
  if ((values.only !== undefined && !parts.includes(values.only)) || !Number.isInteger(seats) || seats < 100) {
    process.stderr.write(`drill: --only is one of ${parts.join(', ')}, and --seats a whole number from 100 on\n`)
    return 2
  }
  const isAsked = (part: string) => values.only === undefined || values.only === part
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const api = overConnections()
  const startedAt = performance.now()
  try {
    const sync = isAsked('sync') ? await failover(api, tell, { synchronous: true }) : null
    const async = isAsked('async') ? await failover(api, tell, { synchronous: false }) : null
    const restore = isAsked('restore') ? await disaster(api, tell, { seats }) : null
    const unexplained = [sync, async, restore].flatMap(part => part?.unexplained ?? [])
    const report = {
      sync_lost: sync?.lost ?? null,
      sync_outage_s: sync?.outageSeconds ?? null,
      async_repaired: async === null ? null : async.repaired && async.openRefused && async.lost > 0,
      rpo_s: restore?.rpoSeconds ?? null,
      rto_s: restore?.rtoSeconds ?? null,
      seats: restore?.seats ?? null,
      unexplained_captures: unexplained.length,
      unexplained: unexplained.slice(0, 20),
      sync,
      async,
      restore,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    }
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printed(report))
    const isSound =
      unexplained.length === 0 &&
      (sync === null || (sync.lost === 0 && (sync.outageSeconds ?? Number.POSITIVE_INFINITY) <= bars.outageSeconds)) &&
      report.async_repaired !== false &&
      (restore === null || (restore.rpoSeconds <= bars.rpoSeconds && restore.rtoSeconds <= bars.rtoSeconds))
    return isSound ? 0 : 1
  } finally {
    api.close()
  }
}

/** What was asked for and what came of it; parts that were not asked for are left out. */
function printed(report: {
  sync_lost: number | null
  sync_outage_s: number | null
  async_repaired: boolean | null
  rpo_s: number | null
  rto_s: number | null
  seats: number | null
  unexplained: readonly string[]
  unexplained_captures: number
  seconds: number
}): string {
  const { sync_lost, async_repaired, rpo_s, unexplained } = report
  const lines = [
    sync_lost !== null &&
      `synchronous standby    ${sync_lost} acknowledged lost, sells again after ${report.sync_outage_s} s`,
    async_repaired !== null &&
      `asynchronous standby   ${async_repaired ? 'repaired' : 'NOT REPAIRED'} before the fence opened`,
    rpo_s !== null &&
      `restore                the last ${rpo_s} s forgotten, sells after ${report.rto_s} s, ${report.seats} seats`,
    `captures               ${report.unexplained_captures} with neither ticket nor refund`,
    ...unexplained.map(what => `  ${what}`),
    `in ${report.seconds} s`,
  ]
  return `${lines.filter(line => line !== false).join('\n')}\n`
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`drill: ${isUsage ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isUsage ? 2 : 1
}
