import { parseArgs } from 'node:util'
import { overConnections } from '../../fans/api.ts'
import { openBoxOffice } from './box-office.ts'
import { type ChaosReport, chaos } from './chaos.ts'

const help = `npm run chaos -- [options]

A sale at half load while real processes are hurt: servers, the worker and PostgreSQL are killed and stopped, wires to the database are cut
after a COMMIT, go silent or slow, the disk is full, the bank is gone, hangs, or fails after it has done what was asked. Everything that a
buyer was told is written down and looked up in the end. Exit code 1 if anything is lost, sold twice or does not balance, or if it took
longer than ten seconds to serve again (a minute after a full disk). It comes to rest within four minutes after --minutes.

  --minutes <n>    how long it is hurt (10)
  --seed <n>       the same seed draws the same faults and buyers (1)
  --rate <n>       buyers a second (20)
  --json           the last line of standard output is one JSON object
  --help           this

  npm run chaos -- --minutes 1
  npm run chaos -- --minutes 10 --seed 7 --json
`

async function main(): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: { minutes: text, seed: text, rate: text, json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const [minutes, seed, rate] = [values.minutes ?? '10', values.seed ?? '1', values.rate ?? '20'].map(Number)
  if (!(minutes! > 0) || !(rate! > 0) || !Number.isInteger(seed)) {
    process.stderr.write('chaos: --minutes and --rate must be numbers above 0, and --seed a whole number\n')
    return 2
  }
  let isOver = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (isOver) process.exit(130)
      isOver = true
      process.stderr.write('\nNobody is hurt any more; coming to rest. Once more ends it at once.\n')
    })
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const office = await openBoxOffice(tell)
  const api = overConnections()
  try {
    const report = await chaos({ office, api, minutes: minutes!, seed: seed!, rate: rate!, isOver: () => isOver, tell })
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printed(report))
    return isSound(report) ? 0 : 1
  } finally {
    api.close()
    await office.close()
  }
}

function isSound(report: ChaosReport): boolean {
  const { acknowledged_lost, oversold, balanced, bank_difference, deaths, wrong, recovery, odd_answers } = report
  return (
    acknowledged_lost + oversold + bank_difference + deaths + wrong.length === 0 &&
    balanced &&
    // A sale in which nobody was told anything has lost nothing, and shows nothing.
    report.acknowledged > 0 &&
    Object.keys(odd_answers).length === 0 &&
    Object.values(recovery).every(({ worst_s, within_s }) => worst_s <= within_s)
  )
}

function printed(report: ChaosReport): string {
  const rows = Object.entries(report.recovery).map(
    ([kind, { times, median_s, worst_s }]) =>
      `  ${kind.padEnd(40)}${String(times).padStart(5)}${median_s.toFixed(1).padStart(9)}${worst_s.toFixed(1).padStart(9)}`,
  )
  const list = (lines: readonly string[]) => lines.map(line => `\n    ${line}`).join('')
  return `  ${'fault'.padEnd(40)}${'times'.padStart(5)}${'median s'.padStart(9)}${'worst s'.padStart(9)}
${rows.join('\n')}

  acknowledged     ${report.acknowledged}, lost ${report.acknowledged_lost}, ${report.turned_away} times turned away
  oversold         ${report.oversold}
  the books        ${report.balanced ? 'balance' : 'DO NOT BALANCE'}, ${report.bank_difference} apart from the bank's (minor units)
  died             ${report.deaths} times, killed by nobody
  wrong            ${report.wrong.length}${list(report.wrong)}
  odd answers      ${Object.keys(report.odd_answers).length}${list(Object.entries(report.odd_answers).map(([word, n]) => `${n} x ${word}`))}
  at rest after    ${report.rest_s} s
${Object.entries(report.skipped)
  .map(([kind, reason]) => `  left out         ${kind}: ${reason}\n`)
  .join('')}`
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`chaos: ${isUsage ? (error as Error).message : (error as Error).stack}\n`)
  process.exitCode = isUsage ? 2 : 1
}
