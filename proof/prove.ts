import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const help = `npm run prove -- [options]

The whole programme, one after the other, some two hours: simulated seeds, planted bugs, the twin against PostgreSQL, interleavings, torture,
chaos, drills, and the fuzz of the API. Each can be run alone, with \`npm run\` and its name. What docs/proof.md says is what came of it last.
Exit code 1 if any of them found something or missed its bar.

  --only <name,…>  of them these: {names}
  --long           100,000 seeds, and 200,000 requests, instead of 20,000 of each
  --json           the last line of standard output is one JSON object: for each what it reported
  --help           this
`

type Part = { name: string; run: (isLong: boolean) => string[]; summary: (report: Report) => string }
type Report = Record<string, never>

const parts: readonly Part[] = [
  {
    name: 'sim',
    run: isLong => ['sim/main.ts', '--seeds', isLong ? '100000' : '20000', '--json'],
    summary: r => `${r.seeds} seeds, ${r.violations} violations, ${r.seeds_per_hour} an hour, unreached ${r.unreached}`,
  },
  {
    name: 'bugs',
    run: () => ['sim/main.ts', '--bugs', '--json'],
    summary: r => `${r.caught} of ${r.bugs} planted bugs caught`,
  },
  {
    name: 'twin',
    run: () => ['sim/main.ts', '--against-postgres', '--json'],
    summary: r => `${r.sequences} sequences, ${r.divergences} divergences`,
  },
  {
    name: 'interleavings',
    run: () => ['tools/test/run.ts', '--slow', 'interleavings'],
    summary: () => 'every pair of writers in every order',
  },
  {
    name: 'torture',
    run: () => ['proof/torture/run.ts', '--json'],
    summary: r => `${r.payments} payments, ${r.wrong_effects} wrong effects, ledgers ${r.ledger_difference} apart`,
  },
  {
    name: 'chaos',
    run: () => ['proof/chaos/run.ts', '--json'],
    summary: r => `${r.acknowledged} acknowledged, ${r.acknowledged_lost} lost, serving after ${r.worst_recovery_s} s`,
  },
  {
    name: 'drill',
    run: () => ['proof/drill/run.ts', '--json'],
    summary: r =>
      `${r.sync_lost} lost with a synchronous standby, RPO ${r.rpo_s} s, RTO ${r.rto_s} s for ${r.seats} seats`,
  },
  {
    name: 'fuzz',
    run: isLong => ['proof/fuzz/run.ts', '--requests', isLong ? '200000' : '20000', '--json'],
    summary: r => `${r.requests} requests, ${r.server_errors} server errors, ${r.undocumented} undocumented`,
  },
]
const names = parts.map(({ name }) => name)
const root = fileURLToPath(new URL('../', import.meta.url))

async function main(): Promise<number> {
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({ options: { only: { type: 'string' }, long: flag, json: flag, help: flag } })
  if (values.help) {
    process.stdout.write(help.replace('{names}', names.join(', ')))
    return 0
  }
  const only = values.only?.split(',') ?? names
  const unknown = only.filter(name => !names.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`prove: there is no ${unknown.join(', ')}; there are ${names.join(', ')}\n`)
    return 2
  }
  const reports: Record<string, { passed: boolean; seconds: number; report: Report | null }> = {}
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  for (const { name, run, summary } of parts.filter(part => only.includes(part.name))) {
    process.stderr.write(`--- ${name}\n`)
    const startedAt = performance.now()
    const { code, lastLine } = await runProgram(run(values.long === true), stopping.signal)
    if (stopping.signal.aborted) return 130
    const report = asObject(lastLine)
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    const isTold = report !== null || name === 'interleavings'
    const passed = code === 0 && isTold
    reports[name] = { passed, seconds, report }
    const said = isTold ? summary(report ?? {}) : `ended with code ${code} and said nothing`
    const line = `${name.padEnd(14)} ${passed ? 'ok    ' : 'FAILED'} ${String(seconds).padStart(5)} s   ${said}\n`
    ;(values.json ? process.stderr : process.stdout).write(line)
  }
  if (values.json) process.stdout.write(`${JSON.stringify(reports)}\n`)
  return Object.values(reports).every(({ passed }) => passed) ? 0 : 1
}

function runProgram(args: string[], stopped: AbortSignal): Promise<{ code: number | null; lastLine: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    stopped.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    child.on('error', reject)
    child.on('close', code => resolve({ code, lastLine: output.trimEnd().split('\n').at(-1) ?? '' }))
  })
}

function asObject(line: string): Report | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`prove: ${(error as Error).message}\n`)
  process.exitCode = 2
}
