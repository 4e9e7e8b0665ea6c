import { totalmem } from 'node:os'
import { assert } from '#kernel/assert.ts'

export type ServerRole = 'server' | 'tests'

/**
 * What the server runs with. All of it goes on the command line, so a new version of Holdfast brings its settings to
 * old clusters, and root writes nothing into a folder of another account. `alter system` works for what is not named here.
 */
export function serverSettings(role: ServerRole, overrides: Record<string, string> = {}): Record<string, string> {
  const settings = { ...forAll, ...(role === 'tests' ? forTests : forSales()), ...overrides }
  if (role === 'server') {
    for (const promise of ['fsync', 'full_page_writes', 'synchronous_commit'])
      assert((settings as Record<string, string>)[promise] !== 'off', `a server that sells keeps ${promise} on`)
  }
  return settings
}

const forAll: Record<string, string> = {
  max_connections: '100',
  // Every statement of ours is short; compiling one costs more than running it.
  jit: 'off',
  // Full-page images are a fifth of a batch's time when compressed (bench: 100 against 81 µs of PostgreSQL a hold).
  wal_compression: 'off',
  // A transaction that its client forgot holds locks on seats.
  idle_in_transaction_session_timeout: '10s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // One file per day of the week, overwritten a week later: logs that need no one to clean up.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_line_prefix: '%m [%p] %a ',
  log_lock_waits: 'on',
  // A standby that is away keeps its log here, but not until the disk is full.
  max_slot_wal_keep_size: '4GB',
}

function forSales(): Record<string, string> {
  return {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: `${sharedBuffersMegabytes(process.constrainedMemory() || totalmem())}MB`,
    // After a checkpoint the first change of a page writes the whole page to the log, which doubles it: few, spread checkpoints.
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    // What a crash leaves to replay, at some 50 MB a second of CPU, has to be done within ten seconds; more room would spare
    // full-page images and cost recovery.
    max_wal_size: '1GB',
    min_wal_size: '256MB',
    // Seats are updated in place thousands of times per second; dead versions must go while an on-sale runs.
    autovacuum_naptime: '15s',
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.05',
    track_io_timing: 'off',
  }
}

/** 1/16 of the memory, between 64 MB and 512 MB: the seats of 50 events fit in 150 MB, and the rest belongs to others. */
function sharedBuffersMegabytes(memoryBytes: number): number {
  const share = Math.floor(Math.min(memoryBytes, totalmem()) / 16 / 2 ** 20)
  return Math.min(512, Math.max(64, share))
}

const forTests: Record<string, string> = {
  // What the operating system has survives a killed server, which some tests do; only a killed machine loses it.
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_wal_size: '1GB',
}
