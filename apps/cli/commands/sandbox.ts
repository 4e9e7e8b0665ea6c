import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type SandboxOptions = CommonOptions & { port?: string; data?: string; supervised?: boolean }

export function addSandbox(program: Command, perform: Perform): void {
  withCommonOptions(program.command('sandbox'))
    .summary('a payment provider that takes no money, for trying out')
    .description(
      'Run the payment sandbox: a process of its own that speaks the part of Stripe’s API that a box office needs, takes no money, and can be told to misbehave. `holdfast start` runs one by itself.',
    )
    .option('-p, --port <number>', 'port to listen on; 0 takes any free one (HOLDFAST_SANDBOX_PORT)')
    .option('--data <folder>', 'folder whose `sandbox` it keeps its ledger in (HOLDFAST_DATA)')
    .addOption(new Option('--supervised', 'started by a server').hideHelp())
    .addHelpText(
      'after',
      `
Its keys and the signing secret of its webhooks are in the folder, in sandbox/credentials.json; what it knows survives a kill.

  holdfast sandbox --port 4242                         then open http://127.0.0.1:4242
  curl http://127.0.0.1:4242/sandbox/steer -d '{"webhooks": {"copies": [2, 3], "delay_ms": [1000, 9000]}}'
  curl http://127.0.0.1:4242/sandbox/steer -d '{"faults": [{"endpoint": "capture", "kind": "timeout_after_effect", "times": 1}]}'`,
    )
    .action((options: SandboxOptions) => perform(options, terminal => sandbox(terminal, options)))
}

async function sandbox(terminal: Terminal, options: SandboxOptions): Promise<Report> {
  const { runSandbox, SandboxRuns } = await import('#payments')
  const data = options.data ?? terminal.env.HOLDFAST_DATA ?? './data'
  const folder = resolve(join(data, 'sandbox'))
  const port = Number(options.port ?? terminal.env.HOLDFAST_SANDBOX_PORT ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CommandFailure(`--port must be a whole number from 0 to 65535, not ${options.port}.`)
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop())
  const running = await runSandbox({
    folder,
    port,
    clock,
    random: systemRandom(),
    log: terminal.note,
    supervised: options.supervised ?? false,
    onLost: () => stop(),
  }).catch(error => {
    if (error instanceof SandboxRuns)
      throw new CommandFailure(
        `Another sandbox works on ${folder}, at ${error.origin}. Use it, or choose another --data.`,
      )
    if (error.code !== 'EADDRINUSE') throw error
    throw new CommandFailure(
      `Port ${port} is taken by another program. Choose another: holdfast sandbox --port ${port + 1}`,
    )
  })
  return {
    text: [
      `The payment sandbox is ready at ${running.origin}`,
      `  Keys and webhook secret  ${join(folder, 'credentials.json')}`,
      'Ctrl-C stops it.',
    ].join('\n'),
    json: { origin: running.origin, pid: process.pid, credentials: join(folder, 'credentials.json') },
    until: stopped.then(running.close),
  }
}
