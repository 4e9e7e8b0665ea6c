import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { overConnections } from './api.ts'
import { smallHall } from './hall.ts'
import { type OwnServer, startOwnServer } from './own-server.ts'
import { progressBar } from './progress.ts'
import { RehearsalProblem, rehearse } from './rehearsal.ts'
import { isSound, printed } from './report.ts'

const help = `npm run rehearse -- [options]

Plays an on-sale with synthetic fans and says what the books say after it: pickers and best-available buyers, abandoned carts, declined
cards, webhooks that come late, twice and out of order. Exit code 1 if anything is oversold or the books do not balance.

  --fans <n>          how many come (160)
  --rate <n>          how many a second (12)
  --minutes <n>       instead of --fans: for so long
  --seed <n>          the same seed brings the same fans (1)
  --url <origin>      a server that runs, with its sandbox; without it one is started and removed again
  --event <id|slug>   an event of that server; without it one is made. Holds of ten minutes take ten minutes to end
  --places <n>        the event that is made has so many (520)
  --hold-seconds <n>  and its holds are so long (12)
  --admin-email <a>   who makes the event and reads the books (admin@holdfast.localhost); the password is HOLDFAST_ADMIN_PASSWORD
  --json              the last line of standard output is one JSON object
  --help              this

  npm run rehearse
  npm run rehearse -- --fans 1000 --rate 40 --seed 7 --json
  npm run rehearse -- --fans 16500 --rate 300 --places 40000 --hold-seconds 600   # a wave of 15,000 to the till
  HOLDFAST_ADMIN_PASSWORD=… npm run rehearse -- --url http://127.0.0.1:3000
`

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(help)
    return 0
  }
  let isOver = false
  let own: OwnServer | null = null
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (isOver) {
        own?.kill()
        process.exit(130)
      }
      isOver = true
      process.stderr.write('\nNobody else is let in; waiting for those inside. Once more ends it at once.\n')
    })
  if (options.url === null) own = await startOwnServer()
  const bar = progressBar(process.stderr)
  const api = overConnections()
  try {
    const report = await rehearse({
      ...options,
      url: own?.url ?? options.url!,
      email: own?.email ?? options.email,
      password: own?.password ?? process.env.HOLDFAST_ADMIN_PASSWORD ?? '',
      api,
      sleep: ms => sleep(ms),
      tell: bar.tell,
      isOver: () => isOver,
    })
    bar.end()
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${printed(report)}\n`)
    return isSound(report) ? 0 : 1
  } finally {
    bar.end()
    api.close()
    await own?.stop()
  }
}

function readOptions(argv: string[]) {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: argv,
    options: {
      fans: text,
      rate: text,
      minutes: text,
      seed: text,
      url: text,
      event: text,
      places: text,
      'hold-seconds': text,
      'admin-email': text,
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return null
  const problems: string[] = []
  const number = (
    name: 'fans' | 'rate' | 'minutes' | 'seed' | 'places' | 'hold-seconds',
    preset: number,
    least: number,
  ) => {
    const given = values[name]
    const value = given === undefined ? preset : Number(given)
    if (!Number.isFinite(value) || value < least)
      problems.push(`--${name} must be a number from ${least} on, not ${given}`)
    return value
  }
  const rate = number('rate', 12, 0.1)
  const minutes = values.minutes === undefined ? null : number('minutes', 1, 0.01)
  const fans = minutes === null ? number('fans', 160, 1) : Math.ceil(minutes * 60 * rate)
  const seed = number('seed', 1, 0)
  const hall = {
    places: number('places', smallHall.places, 10),
    holdSeconds: number('hold-seconds', smallHall.holdSeconds, 10),
  }
  if (values.url !== undefined && !URL.canParse(values.url))
    problems.push(`--url must be an origin such as http://127.0.0.1:3000, not ${values.url}`)
  if (values.event !== undefined && values.url === undefined)
    problems.push('--event needs --url: a server started for the rehearsal has no events')
  if (values.event !== undefined && (values.places ?? values['hold-seconds']) !== undefined)
    problems.push('--places and --hold-seconds are for the event that is made when no --event is named')
  if (values.minutes !== undefined && values.fans !== undefined)
    problems.push('--minutes and --fans say the same twice; keep one')
  if (problems.length > 0) throw new RehearsalProblem(problems.join('\n'))
  return {
    fans: Math.floor(fans),
    rate,
    seed,
    url: values.url === undefined ? null : new URL(values.url).origin,
    event: values.event ?? null,
    hall,
    email: values['admin-email'] ?? 'admin@holdfast.localhost',
    json: values.json ?? false,
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage =
    error instanceof RehearsalProblem || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`rehearse: ${isUsage ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isUsage ? 2 : 1
}
