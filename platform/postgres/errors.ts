import { isPassing, OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'

/** SQLSTATEs after which the same transaction may simply be run again. */
const again: Record<string, string> = {
  '40001': 'serialization failure',
  '40P01': 'deadlock',
  '55P03': 'lock not available in time',
}

/** SQLSTATEs and socket errors that say the server is away, stopping, or out of something that comes back. */
const away = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '53100',
  '53200',
  '53300',
  '53400',
  '25P03',
  // A database that is still a standby: its address has moved, and its promotion has not come yet.
  '25006',
  '08000',
  '08003',
  '08006',
  '08001',
  '08004',
  // What a pooler says when its own connection to the server is gone.
  '08P01',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** What the driver says when the connection had died before it was asked: nothing was sent. It has no code. */
const unsent = /Client has encountered a connection error|Client was closed/
/** The same where all connections of the pool were in use for as long as we wait. */
const poolFull = 'timeout exceeded when trying to connect'
/** The same when it died or fell silent under a query. */
const lost = /Connection terminated|Connection ended|Query read timeout/

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown })?.code
  return typeof code === 'string' ? code : undefined
}

export function isRetryable(error: unknown): boolean {
  return (sqlState(error) ?? '') in again
}

export function isAway(error: unknown): boolean {
  return away.has(sqlState(error) ?? '') || (error instanceof Error && (lost.test(error.message) || isUnsent(error)))
}

function isUnsent(error: unknown): boolean {
  return error instanceof Error && (unsent.test(error.message) || isPoolFull(error))
}

function isPoolFull(error: unknown): boolean {
  return error instanceof Error && error.message === poolFull
}

/**
 * The same failure as a fault that says what the caller may do. Constraint violations and our own mistakes pass unchanged:
 * whoever expects one looks at its SQLSTATE.
 */
export function classify(error: unknown, { committing = false } = {}): unknown {
  if (isPassing(error)) return error
  if (isAway(error)) {
    if (committing && !isUnsent(error))
      return new OutcomeUnknown('the connection was lost while committing', { cause: error })
    const what = isPoolFull(error) ? 'all connections to the database are in use' : 'the database is not reachable'
    return new RetryableFault(what, { cause: error, retryAfterSeconds: 2 })
  }
  if (isRetryable(error)) return new RetryableFault(`the database reports ${again[sqlState(error)!]}`, { cause: error })
  return error
}
