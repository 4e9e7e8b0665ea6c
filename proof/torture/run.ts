import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { overConnections } from '../../fans/api.ts'
import { startOwnServer } from '../../fans/own-server.ts'
import { type TortureReport, torture } from './torture.ts'

const help = `npm run torture -- [options]

Thousands of payments against a server of its own, with everything that can be wrong with the news of them: webhooks up to twenty times, five
minutes late, in every order or never, the endpoint down for a while, the secret changed, forgeries, and kill -9 twice. Then the bank's books
and ours are laid side by side. Exit code 1 if anything differs.

  --payments <n>   how many (3000); twenty a second is what the bank takes
  --outage-minutes <n>  how long the endpoint is down (0.5); payments go on
  --seed <n>       the same seed brings the same buyers (1)
  --json           the last line of standard output is one JSON object
  --help           this
`

const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    'outage-minutes': { type: 'string', default: '0.5' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const payments = Number(values.payments)
const seed = Number(values.seed)
const outageMinutes = Number(values['outage-minutes'])
if (values.help) process.stdout.write(help)
else if (!(payments >= 10) || !Number.isInteger(seed) || !(outageMinutes >= 0)) {
  process.stderr.write(
    'torture: --payments must be a number from 10 on, --seed a whole number, --outage-minutes a number\n',
  )
  process.exitCode = 2
} else {
  const server = await startOwnServer()
  const api = overConnections()
  try {
    const tell = (line: string) => void process.stderr.write(`${line}\n`)
    const report = await torture({ server, api, payments, seed, outageMinutes, sleep: ms => sleep(ms), tell })
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printed(report))
    process.exitCode = isSound(report) ? 0 : 1
  } finally {
    api.close()
    await server.stop()
  }
}

function isSound(report: TortureReport): boolean {
  const { wrong_effects, ledger_difference, forgeries_accepted, oversold, balanced } = report
  return wrong_effects === 0 && ledger_difference === 0 && forgeries_accepted === 0 && oversold === 0 && balanced
}

function printed(report: TortureReport): string {
  return `${report.payments} payments in ${report.seconds} s, ${report.crashes} times killed
  tickets          ${report.tickets}, and ${report.refunds} orders given back
  wrong effects    ${report.wrong_effects}${report.wrong.map(line => `\n    ${line}`).join('')}
  ledgers          ${report.ledger_difference} apart (minor units)
  orders of news   ${report.orders_of_news}, the endpoint down for ${report.outage_minutes} min
  forgeries        ${report.forgeries}, ${report.forgeries_accepted} accepted
  acknowledgement  p50 ${report.ack_p50_ms} ms, p99 ${report.ack_p99_ms} ms of ${report.acks}; the bank itself was ${report.bank_delay_p99_ms} ms late
  card to ticket   at most ${report.healed_max_s} s
  the books        ${report.balanced ? 'balance' : 'DO NOT BALANCE'}, oversold ${report.oversold}
`
}
