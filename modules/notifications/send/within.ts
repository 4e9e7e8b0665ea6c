import type { Clock } from '#kernel/clock.ts'
import { OutcomeUnknown } from '#kernel/faults.ts'

/**
 * Lets `work` take `limitMs` at most, and `graceMs` from the moment the process stops. What it was doing then is told to end by
 * its signal and not waited for: whether it has had its effect is unknown.
 */
export async function within<T>(
  work: (signal: AbortSignal) => Promise<T>,
  limits: { clock: Clock; limitMs: number; graceMs: number; stopping: AbortSignal },
): Promise<T> {
  const { clock, limitMs, graceMs, stopping } = limits
  const settled = new AbortController()
  const giveUp = new AbortController()
  const outOfTime = new Promise<never>((_, reject) => {
    const endAfter = async (ms: number, why: string) => {
      await clock.sleep(ms, settled.signal)
      const unknown = new OutcomeUnknown(why)
      reject(unknown)
      giveUp.abort(unknown)
    }
    const quietly = (end: Promise<void>) => void end.catch(() => {}) // it was settled in time
    quietly(endAfter(limitMs, `not done after ${limitMs / 1000} s`))
    const onStop = () => quietly(endAfter(graceMs, 'the process stopped'))
    if (stopping.aborted) onStop()
    else stopping.addEventListener('abort', onStop, { once: true, signal: settled.signal })
  })
  try {
    return await Promise.race([work(giveUp.signal), outOfTime])
  } finally {
    settled.abort()
  }
}
