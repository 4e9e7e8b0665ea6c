import { parseArgs } from 'node:util'
import type { BenchReport } from './report.ts'

export type BenchOptions = { runs: number; seconds: number; profile?: string; log: (line: string) => void }

const scenarios: Record<
  string,
  { about: string; load: () => Promise<(options: BenchOptions) => Promise<BenchReport>> }
> = {
  holds: {
    about: 'winners only, 40 events, two seats each',
    load: async () => (await import('./scenarios/holds.ts')).holds,
  },
  flash: {
    about: 'one event of 30,000 seats, one attempt in ten wins',
    load: async () => (await import('./scenarios/flash.ts')).flash,
  },
  browse: { about: 'event, counts and snapshot', load: async () => (await import('./scenarios/browse.ts')).browse },
  overload: {
    about: 'five and ten times the knee',
    load: async () => (await import('./scenarios/overload.ts')).overload,
  },
  memory: {
    about: 'the server with fifty arenas on sale',
    load: async () => (await import('./scenarios/memory.ts')).memory,
  },
}

const usage = `npm run bench -- <scenario> [--runs 3] [--seconds 8] [--profile FOLDER] [--json]

${Object.entries(scenarios)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join('\n')}

Starts a PostgreSQL and a server of its own. Latencies count from the time a request was due. Compare ratios within one run:
absolute figures differ between machines and hours.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    json: { type: 'boolean' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
const scenario = scenarios[positionals[0] ?? '']
if (values.help || scenario === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exit(values.help ? 0 : 2)
}
const run = await scenario.load()
const report = await run({
  runs: Number(values.runs),
  seconds: Number(values.seconds),
  profile: values.profile,
  log: line => process.stderr.write(`${line}\n`),
})
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`)
