import type { Clock } from '#kernel/clock.ts'
import { fromUuid, type UserId } from '#kernel/ids.ts'
import type { Database } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'

/** How often the database is asked. Twice within the 5 s after which an ended session must be dead everywhere. */
const pollMs = 2000
/** Older than this, what is known here says nothing about staff any more. */
const staleMs = 5000
/** What the clocks of a process and of the database may be apart, and then some. */
const marginSeconds = 300

export type EndedSessions = {
  /** Whether a token of this version was given before the user's sessions were ended. */
  includes(userId: UserId, sessionVersion: number): boolean
  /** Ends them here at once, without waiting for the next look. */
  add(userId: UserId, liveVersion: number): void
  /** True while the database has not answered for 5 s: somebody's rights may have been taken and we cannot know. */
  isStale(): boolean
  /** Looks once, then every 2 s until `stop`. @throws when the first look fails */
  start(): Promise<void>
  stop(): Promise<void>
}

export type EndedSessionsOptions = {
  db: Database
  clock: Clock
  logger: Logger /** of the longest-lived token that has a version */
  tokenSeconds: number
}

/**
 * The session versions that moved on while tokens of the old one may still be in time. Few people change their role or
 * password within an hour, so all of them fit in memory, and checking a token takes no query.
 */
export function followEndedSessions({ db, clock, logger, tokenSeconds }: EndedSessionsOptions): EndedSessions {
  const liveVersions = new Map<UserId, { version: number; notedAt: number }>()
  const windowSeconds = tokenSeconds + marginSeconds
  const stopping = new AbortController()
  let lookedAt = Number.NEGATIVE_INFINITY
  let loop: Promise<void> = Promise.resolve()

  function add(userId: UserId, version: number): void {
    const known = liveVersions.get(userId)?.version ?? 0
    liveVersions.set(userId, { version: Math.max(known, version), notedAt: clock.monotonic() })
  }

  async function look(): Promise<void> {
    const askedAt = clock.monotonic()
    for (const ended of await recentlyEnded(db, windowSeconds)) add(ended.userId, ended.sessionVersion)
    for (const [userId, { notedAt }] of liveVersions)
      if (notedAt < askedAt - windowSeconds * 1000) liveVersions.delete(userId)
    lookedAt = askedAt
  }

  async function lookAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(pollMs, stopping.signal)
        await look()
      } catch (error) {
        // Whatever the database has, the answer is the same: `isStale` becomes true, and we ask again.
        if (!stopping.signal.aborted) logger.warn({ err: (error as Error).message }, 'ended sessions could not be read')
      }
    }
  }

  return {
    includes: (userId, sessionVersion) => sessionVersion < (liveVersions.get(userId)?.version ?? 0),
    add,
    isStale: () => clock.monotonic() - lookedAt > staleMs,
    async start() {
      await look()
      loop = lookAgainAndAgain()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}

async function recentlyEnded(
  db: Database,
  windowSeconds: number,
): Promise<{ userId: UserId; sessionVersion: number }[]> {
  const { rows } = await db.query<{ user_id: string; session_version: number }>(
    `select user_id, session_version from holdfast.users
      where sessions_changed_at > holdfast.clock() - $1 * interval '1 second'`,
    [windowSeconds],
  )
  return rows.map(row => ({ userId: fromUuid('usr', row.user_id), sessionVersion: row.session_version }))
}
