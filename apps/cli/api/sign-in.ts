import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readConfig } from '#platform/config/config.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { Terminal } from '../terminal.ts'
import { type Api, createApi } from './client.ts'

export type SignInOptions = {
  server?: string
  token?: string
  tokenFile?: string
  email?: string
  passwordFile?: string
}

/** Flags of a command that speaks to a running server as staff. */
export function withSignIn(command: Command): Command {
  return command
    .option('--server <url>', 'server to speak to (default: PUBLIC_URL, else http://HOST:PORT)')
    .option('--email <address>', 'account of a member of staff (default: HOLDFAST_ADMIN_EMAIL)')
    .option(
      '--password-file <file>',
      'file that holds its password, - for standard input (default: HOLDFAST_ADMIN_PASSWORD, else asked for)',
    )
    .option('--token-file <file>', 'access token instead of an account, - for standard input')
    .option('--token <token>', 'the same, where nobody else can list the processes')
}

export const signInHelp = `
Signing in: with nothing said, as the first administrator; the password is asked for unless HOLDFAST_ADMIN_PASSWORD holds it.`

export type SignedIn = { server: string; token: string; api: Api }

/** The server and its API for the account or token that the flags name. */
export async function signIn(terminal: Terminal, options: SignInOptions): Promise<SignedIn> {
  const { config } = readConfig(terminal.env)
  const server = options.server ?? config.PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new CommandFailure(
      `--server must be a URL such as http://127.0.0.1:3000; it is ${JSON.stringify(server)}.`,
      usageError,
    )
  const token =
    options.token ?? (options.tokenFile === undefined ? undefined : await secretFrom(terminal, options.tokenFile))
  if (token !== undefined) return { server, token, api: createApi(server, token) }

  const email = options.email ?? config.HOLDFAST_ADMIN_EMAIL
  const { body } = await createApi(server, null).post('/v1/auth/login', { email, password: await password() })
  const given = String(body.access_token)
  return { server, token: given, api: createApi(server, given) }

  function password(): string | Promise<string> {
    if (options.passwordFile !== undefined) return secretFrom(terminal, options.passwordFile)
    // That password belongs to that account alone; sending it with another address would give it away.
    const known = email === config.HOLDFAST_ADMIN_EMAIL ? config.HOLDFAST_ADMIN_PASSWORD : undefined
    return (
      known ??
      terminal.askSecret(`Password of ${email}`, 'Give it with --password-file, or in HOLDFAST_ADMIN_PASSWORD.')
    )
  }
}

async function secretFrom(terminal: Terminal, file: string): Promise<string> {
  if (file === '-') return (await terminal.readInput()).trim()
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new CommandFailure(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, usageError, [], {
      cause,
    })
  }
}
