import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemRandom } from '#kernel/random.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure, usageError } from '../failure.ts'
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
    .addHelpText(
      'after',
      `
Private halves are never shown. The files are in the folder \`keys\` of HOLDFAST_DATA: back them up apart from the database.

  holdfast keys list --data /srv/holdfast`,
    )
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
  return report(await keysIn(keysFolder(terminal, options.data)))
}

async function rotate(terminal: Terminal, options: KeysOptions): Promise<Report> {
  const { rotateSigningKeys } = await import('#tickets')
  const folder = keysFolder(terminal, options.data)
  await keysIn(folder)
  return report(await rotateSigningKeys({ folder, random: systemRandom() }))
}

/** The keys of a folder that has some: who names the wrong folder must not find a new key there. */
export async function keysIn(folder: string) {
  const { readSigningKeys } = await import('#tickets')
  const keys = await readSigningKeys(folder)
  if (keys === null)
    throw new CommandFailure(
      `${folder} has no ticket keys. Name the data folder of the server with --data.`,
      usageError,
    )
  return keys
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
