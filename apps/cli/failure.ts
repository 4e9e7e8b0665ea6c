import { ConfigError } from '#platform/config/config.ts'

/** Exit codes: 0 it is done, 1 it could not be done or was found wanting, 2 it was asked for wrongly. */
export const failed = 1
export const usageError = 2

/** Why a command could not do its work, in a sentence that says what to do; `details` are the places, one a line. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
  readonly exitCode: number
  readonly details: string[]
  constructor(message: string, exitCode = failed, details: string[] = [], options?: { cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCode
    this.details = details
  }
}

/** Any failure as what is said of it and the exit code. Stacks are for `--verbose`. */
export function explainFailure(error: unknown): { message: string; details: string[]; exitCode: number } {
  if (error instanceof CommandFailure) return error
  if (error instanceof ConfigError)
    return { message: error.message.split('\n')[0]!, details: error.problems, exitCode: usageError }
  return { message: withCause(error), details: [], exitCode: failed }
}

/** The sentence of a failure, and of what it came from: "the database is not reachable (connect ECONNREFUSED …)". */
function withCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = ownMessage(error)
  const cause = error.cause instanceof Error ? ownMessage(error.cause) : ''
  return cause === '' || own.includes(cause) ? own : `${own} (${cause})`
}

/** Node reports a refused connection to several addresses as an AggregateError without a message. */
function ownMessage(error: Error): string {
  if (error.message !== '') return error.message
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return ownMessage(error.errors[0])
  return (error as NodeJS.ErrnoException).code ?? error.name
}
