import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemRandom } from '#kernel/random.ts'
import { withCommonOptions } from '../common-options.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type KeysOptions = CommonOptions & { data?: string }

export function addKeys(program: Command, perform: Perform): void {
  const keys = program
    .command('keys')
    .summary('look at the keys that sign tickets, or change them')
    .description('Look at the keys that sign tickets, or change them.')
  const withFolder = (command: Command) =>
    withCommonOptions(command).option('--data <folder>', 'folder that has `keys` (HOLDFAST_DATA)')

  withFolder(keys.command('list'))
    .summary('the keys, and which one signs')
    .description('List the keys that sign and verify tickets.')
    .action((options: KeysOptions) => perform(options, terminal => list(terminal, options)))

  withFolder(keys.command('rotate'))
    .summary('sign with a new key from now on')
    .description(
      'Make a new key, which signs tickets from now on. Those that are out stay good: the older keys go on verifying.',
    )
    .addHelpText(
      'after',
      `
Running servers that share the folder see the new key within a minute, and scanners fetch it with the door keys of their event.
Back the folder up: without its key a ticket cannot be verified.

  holdfast keys rotate --data /srv/holdfast`,
    )
    .action((options: KeysOptions) => perform(options, terminal => rotate(terminal, options)))
}

async function list(terminal: Terminal, options: KeysOptions): Promise<Report> {
  const { loadSigningKeys } = await import('#tickets')
  return report(await loadSigningKeys(sourceOf(terminal, options)))
}

async function rotate(terminal: Terminal, options: KeysOptions): Promise<Report> {
  const { rotateSigningKeys } = await import('#tickets')
  return report(await rotateSigningKeys(sourceOf(terminal, options)))
}

function sourceOf(terminal: Terminal, { data }: KeysOptions) {
  return { folder: keysFolder(terminal, data), random: systemRandom() }
}

export function keysFolder(terminal: Terminal, data: string | undefined): string {
  return resolve(join(data ?? terminal.env.HOLDFAST_DATA ?? './data', 'keys'))
}

function report({
  current,
  all,
}: {
  current: { number: number }
  all: readonly { number: number; kid: string }[]
}): Report {
  const keys = all.map(({ number, kid }) => ({ key: number, kid, signs: number === current.number }))
  return {
    text: keys
      .map(({ key, kid, signs }) => `${String(key).padStart(3)}  ${kid}  ${signs ? 'signs' : 'verifies'}`)
      .join('\n'),
    json: { keys },
  }
}
