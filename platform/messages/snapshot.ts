import { assert } from '#kernel/assert.ts'

/**
 * A `pg_snapshot` as a set of transactions: everything below `xmax` but for those listed in `open`. xid8 values do not wrap
 * around and exceed 2^53 in theory, so they are bigints.
 */
export type Snapshot = {
  xmax: bigint
  /** Ascending: transactions below `xmax` that had not ended. */
  open: readonly bigint[]
}

/** Reads PostgreSQL's text form, `xmin:xmax:xip,xip,…`. */
export function parseSnapshot(text: string): Snapshot {
  const parts = /^(\d+):(\d+):([\d,]*)$/.exec(text)
  assert(parts !== null, `a snapshot reads xmin:xmax:open, not ${text}`)
  return { xmax: BigInt(parts[2]!), open: parts[3] === '' ? [] : parts[3]!.split(',').map(BigInt) }
}

export function formatSnapshot({ xmax, open }: Snapshot): string {
  return `${open[0] ?? xmax}:${xmax}:${open.join(',')}`
}

/** Whether the transaction had ended when the snapshot was taken; the same answer as `pg_visible_in_snapshot`. */
export function contains(snapshot: Snapshot, xid: bigint): boolean {
  return xid < snapshot.xmax && !snapshot.open.includes(xid)
}

/** Whether everything in `earlier` is in `later`: true of any two snapshots that one database gives one after the other. */
export function includesAll(later: Snapshot, earlier: Snapshot): boolean {
  return later.xmax >= earlier.xmax && later.open.every(xid => !contains(earlier, xid))
}

/**
 * What has been read after a piece of the way: all of `last`, and of `now` what is not above `through`. Like every set of
 * transactions with an end it is itself a snapshot, so that a cursor needs no other form in the middle of a backlog.
 */
export function advance(last: Snapshot, now: Snapshot, through: bigint): Snapshot {
  const stillOpen = now.open.filter(xid => xid <= through)
  if (through + 1n >= last.xmax) return { xmax: through + 1n, open: stillOpen }
  return { xmax: last.xmax, open: [...stillOpen, ...last.open.filter(xid => xid > through)] }
}
