import { assert } from '#kernel/assert.ts'
import { systemClock } from '#kernel/clock.ts'
import { withLock } from './lock.ts'
import { isRunning } from './processes.ts'
import { adopt, type Installation, type Running, restart } from './start.ts'

/** Starts the server again whenever it is gone, at the same port, until aborted. */
export async function keepServing(
  installation: Installation,
  first: Running,
  options: { signal: AbortSignal; onRestart: (server: Running, downMilliseconds: number) => void },
): Promise<void> {
  const { folders, log } = installation
  const { signal } = options
  const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  let current = first
  for (;;) {
    await Promise.race([current.exited ?? gone(current.pid, signal), aborted])
    if (signal.aborted) return
    const diedAt = systemClock.monotonic()
    log('The database server ended unexpectedly; starting it again')
    for (let failures = 0; ; failures++) {
      try {
        current = await withLock(
          folders.lock,
          async () => (await adopt(folders)) ?? (await restart(installation, first.port)),
        )
        assert(current.port === first.port, 'whoever starts a killed server again does so at its port')
        break
      } catch (error) {
        // Whatever it is, somebody may be repairing it: the sale goes on when it passes.
        log(`The database server could not be started again: ${(error as Error).message}`)
        await systemClock.sleep(Math.min(5000, 250 * 2 ** failures), signal).catch(() => {})
        if (signal.aborted) return
      }
    }
    const downMilliseconds = Math.round(systemClock.monotonic() - diedAt)
    log(`The database serves again after ${(downMilliseconds / 1000).toFixed(1)} s`)
    options.onRestart(current, downMilliseconds)
  }
}

async function gone(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isRunning(pid))) await systemClock.sleep(100, signal).catch(() => {})
}
