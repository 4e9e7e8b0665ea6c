/**
 * Faults are what the world does to us, typed by what the caller may do next. A refusal (seat taken, sale closed) is not a
 * fault but a result; a bug is an assertion.
 */
abstract class Fault extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Nothing happened; the same call may be made again. `retryAfterSeconds` is for the caller outside. */
export class RetryableFault extends Fault {
  readonly retryAfterSeconds: number
  constructor(message: string, options?: { cause?: unknown; retryAfterSeconds?: number }) {
    super(message, options)
    this.retryAfterSeconds = options?.retryAfterSeconds ?? 1
  }
}

/** Nothing happened and trying again will not help. */
export class TerminalFault extends Fault {}

/** It may have happened. Find out before doing anything else: a time-out is not a failure. */
export class OutcomeUnknown extends Fault {}

/** The world's doing, and over some time: whoever caught it goes on later. */
export function isPassing(error: unknown): boolean {
  return error instanceof RetryableFault || error instanceof OutcomeUnknown
}

/** For a catch: the world may be away under anything; nothing else may go wrong. */
export function passingOnly(error: unknown): void {
  if (!isPassing(error)) throw error
}
