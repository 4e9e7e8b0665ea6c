import { readFileSync } from 'node:fs'
import { guestTokens, loadTokenKeys } from '#identity'
import { systemClock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { type OpenLoopOptions, type OpenLoopResult, runOpenLoop } from '../fans/open-loop.ts'
import { ask, bytesOf } from '../fans/questions.ts'
import type { SeatPair } from '../fans/seat-pairs.ts'

/**
 * The generator, in a process of its own. The benchmark sends a job, the generator prepares the bytes of every request before
 * the clock runs, sends them, and answers with what it saw.
 */
export type GeneratorJob = {
  load: Omit<OpenLoopOptions, 'next'>
  secret: string
  /** What is asked, in order. Hold requests get a guest and a key of their own. */
  requests:
    | { kind: 'holds'; file: string; from: number; count: number }
    | { kind: 'gets'; paths: string[]; count: number; headers?: Record<string, string> }
    | { kind: 'posts'; path: string; body: object; count: number }
}

/** The file of a `holds` job: seat pairs in the order in which they are to be asked for. */
export type HoldList = { eventId: string; pair: SeatPair }[]

process.on('message', async (job: GeneratorJob) => {
  const prepared = await prepare(job)
  const before = process.cpuUsage()
  const result: OpenLoopResult = await runOpenLoop({ ...job.load, next: n => prepared(n) })
  const { user, system } = process.cpuUsage(before)
  process.send?.({ result, cpuSeconds: (user + system) / 1e6 })
  process.disconnect()
})

async function prepare({ requests, secret }: GeneratorJob): Promise<(n: number) => Buffer | null> {
  const clock = systemClock
  const random = systemRandom()
  const keys = await loadTokenKeys({ secret, folder: '/nonexistent', clock, random })
  const guest = guestTokens({ keys, clock, random })
  const somebody = () => ({ token: guest().accessToken, key: random.bytes(12).toString('base64url') })
  if (requests.kind === 'gets') {
    const each = requests.paths.map(path => bytesOf({ path, headers: requests.headers ?? {} }))
    return n => (n < requests.count ? each[n % each.length]! : null)
  }
  if (requests.kind === 'posts') {
    const all = Array.from({ length: requests.count }, () =>
      bytesOf({ path: requests.path, ...somebody(), body: requests.body }),
    )
    return n => all[n] ?? null
  }
  const list = (JSON.parse(readFileSync(requests.file, 'utf8')) as HoldList).slice(
    requests.from,
    requests.from + requests.count,
  )
  const all = list.map(({ eventId, pair }) => bytesOf(ask.hold(somebody(), eventId, { seat_ids: pair })))
  return n => all[n] ?? null
}
