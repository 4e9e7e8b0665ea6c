import type { Clock } from '#kernel/clock.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

export type BreakerOptions = {
  clock: Pick<Clock, 'monotonic'>
  /** So many failures one after the other open it. */
  failuresMax?: number
  /** How long it stays open before one call may try; doubles with each try that fails, up to `openMsMax`. */
  openMs?: number
}

/** One call in a few seconds hurts no provider, and buyers wait for no more than that once it is back. */
const openMsMax = 4000

/**
 * Stops asking a provider that does not answer, so that buyers are told at once and it can recover.
 *
 *   closed --(failures in a row)--> open --(a while)--> half-open --(one call answers)--> closed
 *                                    ^------------------(one call fails)---'
 *
 * An answer is an answer: a declined card says that the provider is there.
 */
export class Breaker {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #failuresMax: number
  readonly #openMs: number
  #failures = 0
  #openedAt: number | null = null
  #pauseMs: number
  #isTrying = false

  constructor({ clock, failuresMax = 8, openMs = 1000 }: BreakerOptions) {
    this.#clock = clock
    this.#failuresMax = failuresMax
    this.#openMs = openMs
    this.#pauseMs = openMs
  }

  get state(): BreakerState {
    if (this.#openedAt === null) return 'closed'
    return this.#clock.monotonic() - this.#openedAt >= this.#pauseMs ? 'half-open' : 'open'
  }

  /** Whether a call may be sent now. While half-open only one may, and it must report. */
  admits(): boolean {
    if (this.state === 'closed') return true
    if (this.state === 'open' || this.#isTrying) return false
    this.#isTrying = true
    return true
  }

  answered(): void {
    this.#failures = 0
    this.#openedAt = null
    this.#pauseMs = this.#openMs
    this.#isTrying = false
  }

  failed(): void {
    if (this.#isTrying) {
      this.#isTrying = false
      this.#pauseMs = Math.min(openMsMax, this.#pauseMs * 2)
      this.#openedAt = this.#clock.monotonic()
      return
    }
    // Calls that were under way when it opened fail one after the other. They say nothing new, and must not double the pause each.
    if (this.#openedAt !== null) return
    if (++this.#failures >= this.#failuresMax) this.#openedAt = this.#clock.monotonic()
  }
}
