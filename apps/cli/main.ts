import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addAudit } from './commands/audit.ts'
import { addBackup } from './commands/backup.ts'
import { addConfig } from './commands/config.ts'
import { addDoctor } from './commands/doctor.ts'
import { addFence } from './commands/fence.ts'
import { addImport } from './commands/import.ts'
import { addImportDemo } from './commands/import-demo.ts'
import { addKeys } from './commands/keys.ts'
import { addMigrate } from './commands/migrate.ts'
import { addRestore } from './commands/restore.ts'
import { addSandbox } from './commands/sandbox.ts'
import { addStart } from './commands/start.ts'
import { addVerifyTicket } from './commands/verify-ticket.ts'
import { explainFailure, failed, usageError } from './failure.ts'
import { createTerminal, type Invocation, type Report, type Terminal } from './terminal.ts'

/** Runs a command's work and says what came of it. */
export type Perform = (options: CommonOptions, work: (terminal: Terminal) => Promise<Report>) => Promise<void>
export type CommonOptions = { json?: boolean; verbose?: boolean }

/** The program `holdfast`; resolves to its exit code. */
export async function main(invocation: Invocation): Promise<number> {
  const { argv, stdout, stderr } = invocation
  let exitCode = 0
  const perform: Perform = async (options, work) => {
    const report = await work(createTerminal(invocation))
    stdout.write(options.json ? `${JSON.stringify(report.json)}\n` : report.text === '' ? '' : `${report.text}\n`)
    if (report.failed) exitCode = failed
    await report.until
  }
  try {
    await createProgram(invocation, perform).parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0 // --help, --version
    const said = error instanceof CommanderError ? explainUsage(error) : explainFailure(error)
    stderr.write(`${[`holdfast: ${said.message}`, ...said.details.map(line => `  - ${line}`)].join('\n')}\n`)
    if (argv.includes('--verbose') && !(error instanceof CommanderError)) stderr.write(`${inspect(error)}\n`)
    if (argv.includes('--json')) stdout.write(`${JSON.stringify({ error: said.message, details: said.details })}\n`)
    return said.exitCode
  }
}

function createProgram({ stdout, stderr }: Invocation, perform: Perform): Command {
  const program = new Command('holdfast')
    .description('The box office that stays up when everybody comes at once and never sells a seat twice.')
    .version(version(), '-V, --version', 'show the version')
    .exitOverride()
    // What is wrong with the call is said once, by `main`.
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      outputError: () => {},
    })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'show the help of a command')
    .helpOption('-h, --help', 'show this')
    .addHelpText(
      'after',
      `
Examples:
  holdfast start                     a box office with its own database at http://127.0.0.1:3000
  holdfast doctor                    is this machine fit for it?
  holdfast import hall.json --venue-name "Town Hall" --city Bremen --country DE --timezone Europe/Berlin
  holdfast audit                     count every seat of every event

Settings come from the environment; \`holdfast config explain\` lists them. Every command takes --json: its last line on standard
output is then one JSON object. Exit codes: 0 done, 1 failed or found wanting, 2 asked for wrongly.`,
    )
  for (const add of [
    addStart,
    addMigrate,
    addImport,
    addImportDemo,
    addAudit,
    addBackup,
    addRestore,
    addFence,
    addConfig,
    addDoctor,
    addSandbox,
    addKeys,
    addVerifyTicket,
  ])
    add(program, perform)
  return program
}

function explainUsage(error: CommanderError) {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  const sentence = /[.?)]$/.test(message) ? message : `${message}.`
  const details = ['See `holdfast --help`, or `holdfast <command> --help`.']
  // `holdfast` alone prints its help and nothing is wrong with having asked.
  if (error.code === 'commander.help') return { message: 'name a command.', details: [], exitCode: usageError }
  return { message: sentence, details, exitCode: usageError }
}

function inspect(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? String(error.stack) : `${error.stack}\ncaused by: ${inspect(error.cause)}`
}
