import type { KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { DoorKeys } from '#contracts/tickets.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'
import { keysFolder, keysIn } from './keys.ts'

type VerifyOptions = CommonOptions & { keys?: string; data?: string }

const reasons = {
  unreadable: 'This is no ticket code: it must be 138 characters in Base45.',
  'other-version': 'This is a ticket code of a version that this program does not know.',
  'unknown-key': 'It was signed with a key that is not among these. Fetch the door keys again.',
  forged: 'The signature does not fit what the ticket says: it is forged or damaged.',
} as const

export function addVerifyTicket(program: Command, perform: Perform): void {
  withCommonOptions(program.command('verify-ticket'))
    .argument('<code>', 'the text of the QR code, or - to read it from standard input')
    .summary('check the signature of a ticket, without a network')
    .description(
      'Check the signature of a ticket and say what it is for. Needs no server: whether the ticket was used or voided since, only the server knows.',
    )
    .option('--keys <file>', 'door keys as GET /v1/events/{id}/door-keys gives them, or a folder of keys')
    .option('--data <folder>', 'folder that has `keys`, where --keys is not given (HOLDFAST_DATA)')
    .addHelpText(
      'after',
      `
Exit code 1 when the ticket is not good. A code begins with its own signs, which may be a dash: put -- before it.

  curl -s http://127.0.0.1:3000/v1/events/$EVENT/door-keys > door-keys.json
  holdfast verify-ticket --keys door-keys.json -- "$CODE"
  echo "$CODE" | holdfast verify-ticket --keys door-keys.json - --json`,
    )
    .action((code: string, options: VerifyOptions) => perform(options, terminal => verify(terminal, code, options)))
}

async function verify(terminal: Terminal, given: string, options: VerifyOptions): Promise<Report> {
  const { verifyTicket } = await import('#tickets')
  const code = given === '-' ? (await terminal.readInput()).replace(/[\r\n]+$/, '') : given
  const verdict = verifyTicket(code, await publicKeys(terminal, options))
  const said = verdict.code === null ? [] : lines(verdict.code)
  const text = [verdict.ok ? 'The ticket is genuine.' : reasons[verdict.reason], ...said].join('\n')
  return {
    text,
    json: { valid: verdict.ok, ...(verdict.ok ? {} : { reason: verdict.reason }), ticket: verdict.code },
    failed: !verdict.ok,
  }
}

type Said = {
  keyNumber: number
  eventNo: number
  place: { seatNo: number } | { areaNo: number }
  ticketId: string
  generation: number
}

function lines({ eventNo, place, ticketId, generation, keyNumber }: Said): string[] {
  return [
    `  ticket      ${ticketId}`,
    `  event       number ${eventNo}`,
    'seatNo' in place ? `  seat        number ${place.seatNo}` : `  area        number ${place.areaNo}`,
    `  generation  ${generation}`,
    `  key         ${keyNumber}`,
  ]
}

async function publicKeys(terminal: Terminal, { keys, data }: VerifyOptions): Promise<Map<number, KeyObject>> {
  const { doorKeysOf, fromDoorKeys } = await import('#tickets')
  const path = keys ?? keysFolder(terminal, data)
  const there = await stat(path).catch(() => null)
  if (there === null) throw new CommandFailure(`${path} is not there. Name the door keys with --keys.`, usageError)
  if (there.isDirectory()) return fromDoorKeys(doorKeysOf(await keysIn(path)))
  try {
    return fromDoorKeys(JSON.parse(await readFile(path, 'utf8')) as DoorKeys)
  } catch {
    throw new CommandFailure(
      `${path} does not hold door keys: save what GET /v1/events/{id}/door-keys answers.`,
      usageError,
    )
  }
}
