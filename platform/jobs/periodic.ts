import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'

/** Work that comes again and again while a process runs. Nothing remembers it: a job that is not run is not missed. */
export type Job = {
  /** Lower case with hyphens; a label of metrics. */
  name: string
  everyMs: number
  /**
   * While there is work left it rests so many times as long as a turn took, at most `everyMs`, for the sake of what people wait for.
   * Default: 0.
   */
  rests?: number
  /**
   * One turn. 'more' asks for the next at once: there is work left. Throw, and the next comes later and later. The signal says
   * that the process stops: finish what is begun, begin no more.
   */
  run(signal: AbortSignal): Promise<'more' | 'dry'>
  /** After the last turn. */
  stop?(): Promise<void>
}

export type JobsDeps = { clock: Clock; random: Random; metrics: Metrics; logger: Logger }

const backOffMaxMs = 30_000

/**
 * Runs each job on its own: never two turns of one at once, `everyMs` from the end of a turn to the next, a tenth more or less
 * so that the processes of an installation do not march in step. The first turn comes at once.
 *
 * Call it once a process: the metrics have one place.
 *
 * @returns a way to stop, which waits for the turns under way
 */
export function startJobs(jobs: readonly Job[], deps: JobsDeps): { stop(): Promise<void> } {
  const { clock, random, metrics, logger } = deps
  const stopping = new AbortController()
  const doneAt = new Map(jobs.map(job => [job, clock.monotonic()]))
  const failures = metrics.counter('holdfast_job_failures_total', 'Turns of a job that failed', ['job'])
  metrics.gauge('holdfast_job_lag_seconds', 'How much later than due the job is', ['job'], gauge => {
    for (const [job, at] of doneAt) {
      gauge.set({ job: job.name }, Math.max(0, clock.monotonic() - at - job.everyMs * 1.1) / 1000)
    }
  })

  const pause = (ms: number) => clock.sleep(ms, stopping.signal).catch(() => {})
  const keepRunning = async (job: Job) => {
    let failed = 0
    while (!stopping.signal.aborted) {
      const startedAt = clock.monotonic()
      try {
        const left = await job.run(stopping.signal)
        const endedAt = clock.monotonic()
        doneAt.set(job, endedAt)
        failed = 0
        if (left === 'dry') await pause(job.everyMs * (0.9 + 0.2 * random.fraction()))
        else if (job.rests !== undefined) await pause(Math.min(job.everyMs, job.rests * (endedAt - startedAt)))
      } catch (error) {
        failed++
        failures.inc({ job: job.name })
        logger.error({ err: error, job: job.name, failed }, 'a job failed and is tried again')
        const backOffMs = Math.max(job.everyMs, Math.min(backOffMaxMs, 250 * 2 ** failed))
        await pause(backOffMs * (0.5 + random.fraction() / 2))
      }
    }
  }
  const running = jobs.map(keepRunning)

  return {
    async stop() {
      stopping.abort()
      await Promise.all(running)
      const ended = await Promise.allSettled(jobs.map(job => job.stop?.()))
      for (const { reason } of ended.filter(end => end.status === 'rejected')) {
        logger.warn({ err: reason }, 'a job did not tidy up after itself')
      }
    },
  }
}
