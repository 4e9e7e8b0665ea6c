import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { bugs } from './bugs/bugs.ts'
import { catchBugs, printedBugs } from './bugs/catch-bugs.ts'
import { isSound, printed, runCampaign } from './campaign.ts'
import { compareWithPostgres } from './compare-with-postgres.ts'
import { simulationKeys } from './keys.ts'
import { play } from './play.ts'
import { regressions } from './regressions.ts'

const help = `npm run sim -- [options]

Plays on-sales in virtual time: two processes of the box office on one database, their real use cases, buyers, staff, a bank, and whatever
can go wrong, drawn for each seed. Afterwards everything must have come to rest and add up. Exit code 1 if anything does not.

  --seeds <n>     so many runs (500)
  --from <n>      beginning with this seed (1)
  --minutes <n>   as many runs as fit into so many minutes
  --seed <n>      one run, with its trace
  --without <f,…> of the faults of that run not these; what a violation prints
  --regressions   the seeds that found something once
  --bugs          plants known bugs one by one and says how soon each is caught
  --bug <words>   only those whose number or name has these words
  --against-postgres  instead: sequences of commands on PostgreSQL and on its twin, compared after each (--seeds of them, 300)
  --json          the last line of standard output is one JSON object
  --help          this

  npm run sim -- --seeds 20000 --json
  npm run sim -- --seed 4711 | less
`

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(help)
    return 0
  }
  const keys = simulationKeys()
  if (options.bugs) {
    const chosen = bugs.filter(({ failure, bug }) => `${failure} ${bug}`.includes(options.bug))
    if (chosen.length === 0) throw new UsageProblem(`no bug has "${options.bug}" in its number or name`)
    const caught = await catchBugs({ keys, chosen, tell: line => process.stderr.write(`${line}\n`) })
    const missed = caught.filter(({ caught: found }) => found === null).map(({ bug }) => bug)
    const report = { bugs: caught.length, caught: caught.length - missed.length, missed, table: caught }
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${printedBugs(caught)}\n`)
    return caught.every(bug => bug.caught !== null) ? 0 : 1
  }
  if (options.againstPostgres) {
    const compared = await compareWithPostgres(options.sequences)
    process.stdout.write(
      options.json
        ? `${JSON.stringify(compared)}\n`
        : `${compared.sequences} sequences, ${compared.divergences} divergences\n`,
    )
    return compared.divergences === 0 ? 0 : 1
  }
  if (options.seed !== null) {
    const { trace, violations, steps } = await play(options.seed, { keys, keepTrace: true, without: options.without })
    const hash = createHash('sha256').update(trace.join('\n')).digest('hex').slice(0, 16)
    process.stdout.write(`${trace.join('\n')}\n\n${steps} steps, trace ${hash}\n`)
    for (const violation of violations) process.stdout.write(`VIOLATION: ${violation}\n`)
    return violations.length === 0 ? 0 : 1
  }
  if (options.regressions) {
    for (const { seed, found } of regressions) {
      const { violations } = await play(seed, { keys })
      process.stdout.write(`${seed}  ${violations.length === 0 ? 'sound' : violations[0]}  (${found})\n`)
      if (violations.length > 0) process.exitCode = 1
    }
    return Number(process.exitCode ?? 0)
  }
  const endsAt = performance.now() + options.minutes * 60_000
  let toldAt = performance.now()
  const report = await runCampaign({
    play,
    keys,
    from: options.from,
    shrinks: true,
    seeds: options.seeds,
    isOver: () => performance.now() > endsAt,
    tell: (done, violations) => {
      if (performance.now() - toldAt < 5000) return
      toldAt = performance.now()
      process.stderr.write(`${done} of ${options.seeds} seeds, ${violations} violations\n`)
    },
  })
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${printed(report)}\n`)
  return isSound(report) ? 0 : 1
}

function readOptions(argv: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: argv,
    options: {
      seeds: text,
      from: text,
      minutes: text,
      seed: text,
      without: text,
      regressions: flag,
      'against-postgres': flag,
      bugs: flag,
      bug: text,
      json: flag,
      help: flag,
    },
  })
  if (values.help) return null
  const number = (name: 'seeds' | 'from' | 'minutes' | 'seed', preset: number) => {
    const value = values[name] === undefined ? preset : Number(values[name])
    if (!Number.isFinite(value) || value < 0) throw new UsageProblem(`--${name} must be a number, not ${values[name]}`)
    return value
  }
  return {
    seeds: number('seeds', values.minutes === undefined ? 500 : Number.MAX_SAFE_INTEGER),
    from: number('from', 1),
    minutes: number('minutes', 24 * 60),
    seed: values.seed === undefined ? null : number('seed', 0),
    without: values.without?.split(',') ?? [],
    regressions: values.regressions ?? false,
    againstPostgres: values['against-postgres'] ?? false,
    sequences: number('seeds', 300),
    bugs: values.bugs === true || values.bug !== undefined,
    bug: values.bug ?? '',
    json: values.json ?? false,
  }
}

class UsageProblem extends Error {}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage = error instanceof UsageProblem || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`sim: ${isUsage ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isUsage ? 2 : 1
}
