import { TerminalFault } from '#kernel/faults.ts'

export type EmbeddedPostgresProblem =
  | 'unsupported-platform'
  | 'folder-not-usable'
  | 'account-not-usable'
  | 'version-mismatch'
  | 'not-startable'
  | 'not-stoppable'
  | 'lock-not-obtained'

/** Why the embedded server cannot serve, with a sentence for the person at the terminal. */
export class EmbeddedPostgresFault extends TerminalFault {
  readonly problem: EmbeddedPostgresProblem
  constructor(problem: EmbeddedPostgresProblem, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.problem = problem
  }
}

export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown })?.code
  return typeof code === 'string' ? code : undefined
}
