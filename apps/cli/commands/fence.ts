import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { findLostSales, type LostSales } from '#checkout'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { createStripeProvider, type PaymentProvider, paced, readCredentials, readInstallation } from '#payments'
import { type Config, readConfig } from '#platform/config/config.ts'
import { type Database, openDatabase } from '#platform/postgres/database.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { acceptPromotion, closeFence, noteHistory, openFence, readFence } from '#sale-control'
import { withCommonOptions } from '../common-options.ts'
import { withDatabase } from '../database.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import { momentOf } from '../moment.ts'
import type { Report, Terminal } from '../terminal.ts'

type ReconcileOptions = CommonOptions & { since?: string; dryRun?: boolean; wait: string }
type OpenOptions = CommonOptions & { nothingLost?: boolean; since?: string }

/** Clocks differ, and the provider's is not ours. */
const overlapMs = 10 * 60_000

export function addFence(program: Command, perform: Perform): void {
  const fence = program
    .command('fence')
    .summary('stop all holds, or let them go on after a restore')
    .description(
      'The sales fence: while it is closed no hold is made. It closes by itself after a promotion or a restore.',
    )

  withCommonOptions(fence.command('status'))
    .summary('is it closed, and why')
    .description('Say whether the fence is closed, why, and until when the record is sure of what it knows.')
    .action((options: CommonOptions) => perform(options, terminal => onDatabase(terminal, status)))

  withCommonOptions(fence.command('close'))
    .summary('no more holds')
    .description('Close it: no more holds. People keep what they have, and can pay for it.')
    .requiredOption('--reason <text>', 'why, for whoever comes next')
    .action((options: CommonOptions & { reason: string }) =>
      perform(options, terminal =>
        onDatabase(terminal, async db => {
          await closeFence(db, options.reason)
          return status(db)
        }),
      ),
    )

  withCommonOptions(fence.command('reconcile'))
    .summary('put right with the payment provider what a restore has forgotten')
    .description(
      'Go through what the payment provider has since the restored moment: what is known is settled by the running server, what is forgotten is let go or given back.',
    )
    .option(
      '--since <time>',
      'already from this moment on, in ISO 8601 with its offset; ten minutes before what the record is sure of otherwise',
    )
    .option('--dry-run', 'only look')
    .option('--wait <seconds>', 'so long for the server to settle what it knows', '120')
    .addHelpText('after', '\nExit code 1 while something is unexplained.\n\n  holdfast fence reconcile --dry-run')
    .action((options: ReconcileOptions) => perform(options, terminal => reconcile(terminal, options)))

  withCommonOptions(fence.command('open'))
    .summary('let holds go on')
    .description('Open it. Refused while the payment provider has something that the record does not explain.')
    .option('--nothing-lost', 'you know that a promoted standby had everything: nothing is compared')
    .option('--since <time>', 'compare already from this moment on')
    .action((options: OpenOptions) => perform(options, terminal => open(terminal, options)))
}

async function status(db: Database): Promise<Report> {
  const { closed, reason, epoch, known_until, synchronous } = await readFence(db)
  const knownUntil = known_until === null ? null : new Date(known_until).toISOString()
  return {
    text: closed
      ? `Closed: ${reason}.${knownUntil === null ? '' : ` The record is sure until ${knownUntil}.`}`
      : `Open.${synchronous ? ' A standby has everything that is acknowledged.' : ''}`,
    json: { closed, reason, epoch, known_until: knownUntil, synchronous },
  }
}

async function reconcile(terminal: Terminal, options: ReconcileOptions): Promise<Report> {
  const waitSeconds = Number(options.wait)
  if (!(waitSeconds >= 0))
    throw new CommandFailure(`--wait must be a number of seconds, not ${options.wait}.`, usageError)
  return onDatabase(terminal, async (db, config) => {
    const dryRun = options.dryRun ?? false
    if (!dryRun) await noteHistory(db, 'the database was promoted or restored')
    const compare = await comparison(db, config, options.since, terminal)
    let found = await compare(dryRun)
    const total = { cancelled: found.cancelled, refunded: found.refunded, refundedAmount: found.refundedAmount }
    const until = clock.monotonic() + waitSeconds * 1000
    while (!dryRun && found.waiting.length > 0 && clock.monotonic() < until) {
      terminal.note(`${found.waiting.length} wait to be settled by the server`)
      await clock.sleep(2000)
      found = await compare(false)
      total.cancelled += found.cancelled
      total.refunded += found.refunded
      total.refundedAmount += found.refundedAmount
    }
    return {
      text: [
        `${found.intents} payments compared: ${total.cancelled} let go, ${total.refunded} given back (${total.refundedAmount} in minor units).`,
        ...unexplained(found),
      ].join('\n'),
      json: { ...found, ...total, unexplained_captures: found.unexplainedCaptures },
      failed: found.waiting.length > 0,
    }
  })
}

async function open(terminal: Terminal, options: OpenOptions): Promise<Report> {
  return onDatabase(terminal, async (db, config) => {
    const fence = await readFence(db)
    if (options.nothingLost === true) {
      if (fence.restored)
        throw new CommandFailure(
          'It stays closed: this record was made again from a backup, and was no standby. Run `holdfast fence reconcile`, then `holdfast fence open`.',
        )
      if (!(await acceptPromotion(db))) await openFence(db)
      return status(db)
    }
    await noteHistory(db, 'the database was promoted or restored')
    if (fence.closed_by_history || (await readFence(db)).closed_by_history || options.since !== undefined) {
      const compare = await comparison(db, config, options.since, terminal)
      const found = await compare(true)
      if (found.waiting.length > 0)
        throw new CommandFailure('It stays closed: run `holdfast fence reconcile`.', 1, unexplained(found))
    }
    await openFence(db)
    return status(db)
  })
}

function unexplained({ waiting, foreign }: LostSales): string[] {
  return [
    ...waiting.slice(0, 20).map(({ ref, status, why }) => `${ref} is ${status} at the provider: ${why}`),
    ...(waiting.length > 20 ? [`and ${waiting.length - 20} more`] : []),
    ...(foreign > 0 ? [`${foreign} payments on this account are not ours`] : []),
  ]
}

async function comparison(
  db: Database,
  config: Config,
  named: string | undefined,
  { note }: Terminal,
): Promise<(dryRun: boolean) => Promise<LostSales>> {
  const given = named === undefined ? null : momentOf('--since', named)
  const { known_until } = await readFence(db)
  if (given === null && known_until === null)
    throw new CommandFailure(
      'No restore or promotion closed the fence. Say from when on to compare with --since.',
      usageError,
    )
  // Never later than what the record is sure of: nobody may open it over what was not compared.
  const since = Math.max(
    0,
    Math.min(given ?? Number.POSITIVE_INFINITY, (known_until ?? Number.POSITIVE_INFINITY) - overlapMs),
  )
  const provider = await openProvider(config, await readInstallation(db))
  return dryRun =>
    findLostSales({ db, provider, clock, random: systemRandom() }, { since, dryRun, tell: dryRun ? () => {} : note })
}

/** The one that the server of these settings asks; a sandbox has to run. */
async function openProvider(config: Config, installation: string): Promise<PaymentProvider> {
  const common = { installation, webhookSecrets: () => [], timeoutMs: 10_000, clock }
  const speak = (options: Omit<Parameters<typeof createStripeProvider>[0], keyof typeof common>) =>
    paced(createStripeProvider({ ...common, ...options }), { clock, metrics: createMetrics() })
  if (config.STRIPE_SECRET_KEY !== undefined)
    return speak({ secretKey: config.STRIPE_SECRET_KEY, publishableKey: config.STRIPE_PUBLISHABLE_KEY! })
  const credentials = await readCredentials(resolve(join(config.HOLDFAST_DATA, 'sandbox')))
  if (credentials === null || credentials.port === 0)
    throw new CommandFailure(
      'There is no payment provider to compare with. Start the server, which brings its sandbox.',
    )
  const { secret_key: secretKey, publishable_key: publishableKey, port } = credentials
  return speak({ secretKey, publishableKey, origin: `http://127.0.0.1:${port}` })
}

async function onDatabase(
  terminal: Terminal,
  work: (db: Database, config: Config) => Promise<Report>,
): Promise<Report> {
  const { config } = readConfig(terminal.env)
  return withDatabase(config, terminal, async url => {
    const db = openDatabase({ url, max: 2, name: 'holdfast fence' })
    try {
      return await work(db, config)
    } finally {
      await db.close()
    }
  })
}
