import type { Installation } from '../installation.ts'
import { runGenerator } from '../run-generator.ts'

export const arena = 'demo/seating-plans/arena-in-the-round.json'
export const connections = 256
/** Where the no-op is answered without the framework. */
export const directPath = '/direct'

/** The no-op or the bare framework, asked for a hold over and over, by another guest each time; answers a second. */
export async function holdAgain(
  installation: Installation,
  target: URL,
  seconds: number,
  path = '/v1/reservations',
): Promise<number> {
  const run = await runGenerator({
    secret: installation.secret,
    load: { host: target.hostname, port: Number(target.port), connections, ratePerSecond: null, seconds },
    requests: {
      kind: 'posts',
      path,
      body: { event_id: 'evt_00000000000000000000000000', seat_ids: ['A-1-1', 'A-1-2'] },
      count: 40_000 * seconds,
    },
  })
  return run.wins.count / run.seconds
}
