import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import type { Environment } from '#platform/config/config.ts'
import { CommandFailure, usageError } from './failure.ts'

/** What one run of the program is given from outside. */
export type Invocation = {
  /** Without the interpreter and the script. */
  argv: string[]
  env: Environment
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
}

/** What a command sees of it. */
export type Terminal = {
  env: Environment
  /** Progress, for the person who waits; on standard error. */
  note(line: string): void
  /** All of standard input. */
  readInput(): Promise<string>
  /**
   * Asks for something that is not shown while it is typed.
   *
   * @throws CommandFailure when nobody sits at the terminal; `otherwise` says what to do then
   */
  askSecret(question: string, otherwise: string): Promise<string>
}

/** What a command has to say in the end: `text` for people, or with `--json` one line of it. */
export type Report = {
  text: string
  json: object
  /** The command worked, but what it found is not as it should be: exit code 1. */
  failed?: boolean
  /** For a command that goes on after its report, as a server does. */
  until?: Promise<void>
}

export function createTerminal({ env, stdin, stderr }: Invocation): Terminal {
  return {
    env,
    note: line => void stderr.write(`${line}\n`),
    readInput: () => readAll(stdin as never),
    askSecret: async (question, otherwise) => {
      if (stdin.isTTY !== true)
        throw new CommandFailure(`${question} cannot be asked for here: there is no terminal. ${otherwise}`, usageError)
      stderr.write(`${question}: `)
      const muted = new Writable({ write: (_chunk, _encoding, done) => done() })
      const lines = createInterface({ input: stdin, output: muted, terminal: true })
      try {
        return await new Promise(resolve => lines.question('', resolve))
      } finally {
        lines.close()
        stderr.write('\n')
      }
    },
  }
}
