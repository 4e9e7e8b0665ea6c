import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemRandom } from '#kernel/random.ts'
import { readConfig } from '#platform/config/config.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure, usageError } from '../failure.ts'
import { openKeys, readKeyFiles, sealKeys, writeKeyFiles } from '../keys/sealed-keys.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type KeysOptions = CommonOptions & { data?: string }

export function addKeys(program: Command, perform: Perform): void {
  const keys = program
    .command('keys')
    .summary('look at the keys, change them, back them up')
    .description('Look at the keys that sign tickets, change them, and back up all keys of an installation.')
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

  withFolder(keys.command('backup'))
    .summary('all keys in one encrypted file')
    .description('Write all keys of an installation into one encrypted file: no backup of the database has them.')
    .requiredOption('--out <file>', 'where to; a file that is there is not written over')
    .addHelpText('after', passphraseHelp)
    .action((options: KeysOptions & { out: string }) => perform(options, terminal => backup(terminal, options)))

  withFolder(keys.command('restore'))
    .summary('keys from such a file')
    .description(
      'Write the keys of a backup that are missing. One that is there and differs is not touched, and then none is written.',
    )
    .requiredOption('--from <file>', 'what `holdfast keys backup` wrote')
    .addHelpText('after', passphraseHelp)
    .action((options: KeysOptions & { from: string }) => perform(options, terminal => restore(terminal, options)))
}

const passphraseHelp = `
The passphrase is asked for, or HOLDFAST_KEYS_PASSPHRASE (better: HOLDFAST_KEYS_PASSPHRASE_FILE). Keep it apart from the file; without
it the file is worth nothing.`

async function backup(terminal: Terminal, options: KeysOptions & { out: string }): Promise<Report> {
  const data = dirname(keysFolder(terminal, options.data))
  const files = await readKeyFiles(data)
  if (files.length === 0)
    throw new CommandFailure(`${data} has no keys. Name the data folder of the server with --data.`, usageError)
  const sealed = sealKeys(files, await newPassphrase(terminal))
  const out = resolve(options.out)
  await writeFile(out, sealed, { mode: 0o600, flag: 'wx', flush: true }).catch(cause => {
    throw new CommandFailure(`${out} cannot be written (${cause.code}).`, 1, [], { cause })
  })
  const names = files.map(file => file.path)
  return { text: `${out} has ${names.join(', ')}`, json: { file: out, keys: names } }
}

async function restore(terminal: Terminal, options: KeysOptions & { from: string }): Promise<Report> {
  const text = await readFile(resolve(options.from), 'utf8').catch(cause => {
    throw new CommandFailure(`${options.from} cannot be read (${cause.code}).`, usageError, [], { cause })
  })
  const files = openKeys(text, await passphraseOf(terminal))
  const data = dirname(keysFolder(terminal, options.data))
  const written = await writeKeyFiles(data, files)
  return {
    text: written.length === 0 ? 'All of them were there.' : `Written below ${data}: ${written.join(', ')}`,
    json: { written },
  }
}

/** Typed twice: with a slip of the fingers the file would be worth nothing, and nobody would know until it is needed. */
async function newPassphrase(terminal: Terminal): Promise<string> {
  const passphrase = await passphraseOf(terminal)
  if (readConfig(terminal.env).config.HOLDFAST_KEYS_PASSPHRASE !== undefined) return passphrase
  const again = await terminal.askSecret('The same again', 'Set HOLDFAST_KEYS_PASSPHRASE_FILE.')
  if (again !== passphrase) throw new CommandFailure('The two are not the same. Nothing was written.', usageError)
  return passphrase
}

async function passphraseOf(terminal: Terminal): Promise<string> {
  const { HOLDFAST_KEYS_PASSPHRASE: given } = readConfig(terminal.env).config
  return given ?? (await terminal.askSecret('Passphrase of the backup', 'Set HOLDFAST_KEYS_PASSPHRASE_FILE.'))
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
