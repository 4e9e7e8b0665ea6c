const firstMs = 30_000
const longestMs = 6 * 3_600_000

/** With these delays the last attempt comes about two days after the first: longer than a weekend's mail server is away. */
export const attemptsMax = 18

/**
 * How long to wait after the n-th attempt: doubled each time, up to six hours, and between half and all of that, so that what
 * failed together does not come back together.
 */
export function retryDelayMs(attempts: number, fraction: number): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** (attempts - 1))
  return Math.round(fullMs * (0.5 + fraction / 2))
}
