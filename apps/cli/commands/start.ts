import { constants } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { type Environment, readConfig } from '#platform/config/config.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type StartOptions = CommonOptions & { port?: string; host?: string; data?: string; demo?: boolean }

export function addStart(program: Command, perform: Perform): void {
  withCommonOptions(program.command('start'))
    .summary('serve; brings its own database and demo events')
    .description(
      'Serve. Without DATABASE_URL it brings its own PostgreSQL and demo events; nothing needs to be prepared.',
    )
    .option('-p, --port <number>', 'port to listen on; 0 takes any free one (PORT)')
    .option('--host <address>', 'address to listen on (HOST)')
    .option('--data <folder>', 'folder of the embedded database, keys and artefacts (HOLDFAST_DATA)')
    .option('--no-demo', 'leave an empty catalogue empty (HOLDFAST_DEMO=false)')
    .addHelpText(
      'after',
      `
Ctrl-C finishes the requests under way, then stops the database. A second Ctrl-C does not wait.

  holdfast start                                   everything on this machine
  holdfast start --port 8080 --data /srv/holdfast  elsewhere
  DATABASE_URL=postgres://… HOLDFAST_ROLES=api,webhooks holdfast start   one of several processes on one database`,
    )
    .action((options: StartOptions) => perform(options, terminal => start(terminal, options)))
}

async function start(terminal: Terminal, options: StartOptions): Promise<Report> {
  const { config, warnings } = readConfig(withFlags(terminal.env, options))
  for (const warning of warnings) terminal.note(warning)
  const stop = signalToStop(terminal)
  // Only this command needs all modules; the others should not wait for them.
  const { startServer } = await import('../../server/start.ts')
  const server = await startServer({
    config,
    logger: createLogger(config.HOLDFAST_LOG_LEVEL),
    note: terminal.note,
  }).catch(error => {
    throw portTaken(error, config) ?? error
  })
  settleMemory()
  const { url, sandboxUrl, administrator } = server
  const signIn =
    administrator.password === null
      ? administrator.email
      : `${administrator.email}, password ${administrator.password} (shown this once)`
  return {
    text: [
      `Holdfast is ready at ${url}`,
      `  API        ${url}/v1/events`,
      `  Reference  ${url}/docs`,
      ...(sandboxUrl === null ? [] : [`  Payments   ${sandboxUrl} (sandbox: no money moves)`]),
      `  Sign-in    ${url}/v1/auth/login`,
      `  Staff      ${signIn}`,
      'Ctrl-C stops it.',
    ].join('\n'),
    json: { url, sandbox_url: sandboxUrl, pid: process.pid, administrator },
    until: stop.then(server.close),
  }
}

/**
 * V8 makes objects old from the start where it has seen that most of a kind lived long. In a server that is busy, one container of
 * a request that is made old holds on to all that it was given, until the next full collection (docs/adr/0020-what-is-dead-lets-go.md).
 * Not before the server runs: code that was compiled under other flags, Node's own too, would have to be compiled anew.
 */
function settleMemory(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}

/** Flags are settings said closer by, so they win. */
function withFlags(env: Environment, { port, host, data, demo }: StartOptions): Environment {
  return {
    ...env,
    ...(port !== undefined && { PORT: port }),
    ...(host !== undefined && { HOST: host }),
    ...(data !== undefined && { HOLDFAST_DATA: data }),
    ...(demo === false && { HOLDFAST_DEMO: 'false' }),
  }
}

function portTaken(error: unknown, { HOST, PORT }: { HOST: string; PORT: number }): CommandFailure | null {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new CommandFailure(
      `Port ${PORT} of ${HOST} is taken by another program. Choose another: holdfast start --port ${PORT + 1}`,
    )
  if (code === 'EACCES' && PORT < 1024)
    return new CommandFailure(`Port ${PORT} is kept for root. Choose one above 1023: holdfast start --port 8080`)
  return null
}

/** Milliseconds in which the same signal twice is one. */
const onceMs = 300

/**
 * Resolves at the first signal that asks us to stop; the next one does not wait any more. Listens from the beginning: who
 * interrupts a start must not leave half of it behind.
 */
function signalToStop(terminal: Terminal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let stopping = false
  let asked: NodeJS.Signals | null = null
  let askedAt = 0
  const stop = (signal: NodeJS.Signals) => {
    // npm passes on what the terminal has told us already: twice at once is one Ctrl-C.
    if (signal === asked && systemClock.monotonic() - askedAt < onceMs) return
    if (stopping) process.exit(128 + constants.signals[signal])
    stopping = true
    asked = signal
    askedAt = systemClock.monotonic()
    terminal.note('Stopping: requests under way are finished first.')
    resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return promise
}
