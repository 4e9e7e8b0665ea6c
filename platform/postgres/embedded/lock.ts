import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '#kernel/clock.ts'
import { EmbeddedPostgresFault } from './faults.ts'

/**
 * One process at a time may start, adopt or stop the server of a folder, or make a backup. The lock is the operating system's, taken through
 * SQLite because Node has no call for it: it ends with its holder, however that ends, so nobody ever has to judge from a
 * process number in a file whether the holder is still alive.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  {
    waitSeconds = 120,
    busy = 'Another process has been starting or stopping the database for long',
  }: { waitSeconds?: number; busy?: string } = {},
): Promise<T> {
  const deadline = systemClock.monotonic() + waitSeconds * 1000
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    while (!taken(lock)) {
      if (systemClock.monotonic() > deadline)
        throw new EmbeddedPostgresFault(
          'lock-not-obtained',
          `${busy} (lock ${file}). See what it waits for, or end it.`,
        )
      await systemClock.sleep(20)
    }
    return await work()
  } finally {
    lock.close()
  }
}

function taken(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive')
    return true
  } catch (error) {
    const sqliteBusy = 5
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false
    throw error
  }
}
