import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, send } from '../../test/harness/process-tree.ts'
import type { BankSide } from '../bank-side.ts'
import type { BoxOffice, Wired } from './box-office.ts'

/** One harm under way: whom, for how long, and how it ends. */
export type Harm = { whom: string; ms: number; end(): unknown }

/** `money` hurts paying alone, and goes on beside what hurts the house. */
export type Fault = { lane: 'house' | 'money'; begin(chance: () => number): Harm | Promise<Harm> }

/** The hold that a standing process must outlast. */
export type Scale = { holdSeconds: number }

const commits = ['hold_batch', 'commit\0'].map(text => Buffer.from(text))
/** Of a request by the name of the fault: the provider's patience, and a little. */
const hangMs = 30_000

export function faultsOf(
  { doors, worker, postgres, disk }: BoxOffice,
  bank: BankSide,
  { holdSeconds }: Scale,
): Record<string, Fault> {
  const between = (chance: () => number, least: number, most: number) => Math.round(least + chance() * (most - least))
  const among = (all: readonly Wired[]) => (chance: () => number) => all[Math.floor(chance() * all.length)]!
  const oneOf = among(doors)
  // The worker settles and sweeps over a wire like the others.
  const anyOf = among([...doors, worker])
  const house = (begin: Fault['begin']): Fault => ({ lane: 'house', begin })
  const atOnce = (whom: string): Harm => ({ whom, ms: 0, end: () => {} })

  const killed = (who: (chance: () => number) => Wired) =>
    house(async chance => {
      const { process } = who(chance)
      await process.kill()
      return atOnce(process.name)
    })
  const stopped = (who: (chance: () => number) => Wired, least: number, most: number) =>
    house(async chance => {
      const { process } = who(chance)
      const end = await process.stop()
      return { whom: process.name, ms: between(chance, least, most), end }
    })
  const wired = (weather: (chance: () => number) => Parameters<Wired['wire']['be']>[0], least: number, most: number) =>
    house(chance => {
      const { process, wire } = anyOf(chance)
      wire.be(weather(chance))
      return { whom: process.name, ms: between(chance, least, most), end: () => wire.be({ kind: 'fair' }) }
    })
  const steered = (faults: object[], least: number, most: number): Fault => ({
    lane: 'money',
    async begin(chance) {
      await bank.steer({ faults })
      return { whom: 'the bank', ms: between(chance, least, most), end: () => bank.steer({ faults: [] }) }
    },
  })

  return {
    'server killed': killed(oneOf),
    'server stopped': stopped(oneOf, 1000, 4000),
    'server stopped for longer than a hold': stopped(oneOf, (holdSeconds + 1) * 1000, (holdSeconds + 3) * 1000),
    'worker killed': killed(() => worker),
    'worker stopped': stopped(() => worker, 2000, 6000),
    'postgres killed': house(() => {
      send('SIGKILL', postgres.pid())
      return atOnce('postgres')
    }),
    'postgres backend killed': house(async chance => {
      let backends = await childrenOf(postgres.pid())
      // It may just have been killed, or have no disk to start on.
      for (; backends.length === 0; backends = await childrenOf(postgres.pid())) await sleep(200)
      send('SIGKILL', backends[Math.floor(chance() * backends.length)]!)
      return atOnce('one process of postgres')
    }),
    'postgres stopped at once': house(() => {
      send('SIGQUIT', postgres.pid())
      return atOnce('postgres')
    }),
    'postgres frozen': house(async chance => {
      const all = [postgres.pid(), ...(await childrenOf(postgres.pid()))]
      for (const pid of all) send('SIGSTOP', pid)
      const goOn = () => {
        for (const pid of all) send('SIGCONT', pid)
      }
      return { whom: 'postgres', ms: between(chance, 1500, 6000), end: goOn }
    }),
    'wire reset': house(chance => {
      const { process, wire } = anyOf(chance)
      wire.reset()
      return atOnce(process.name)
    }),
    'wire gone': wired(() => ({ kind: 'gone' }), 1000, 5000),
    'wire cut after commit': house(chance => {
      const { process, wire } = anyOf(chance)
      wire.watch(bytes => (chance() < 0.3 && commits.some(commit => bytes.includes(commit)) ? 'after' : null))
      return { whom: process.name, ms: between(chance, 2000, 4000), end: () => wire.watch(() => null) }
    }),
    'wire slow': wired(chance => ({ kind: 'slow', ms: between(chance, 30, 250) }), 3000, 6000),
    'wire half-open': wired(() => ({ kind: 'hole' }), 2000, 6000),
    'wire dripping': wired(chance => ({ kind: 'drip', bytes: between(chance, 20, 200) }), 3000, 5000),
    ...(typeof disk !== 'string' && {
      'disk full': house(async chance => {
        await disk.fill()
        return { whom: 'the disk', ms: between(chance, 4000, 8000), end: disk.free }
      }),
    }),
    'provider gone': steered([{ endpoint: 'any', kind: 'timeout', share: 1 }], 12_000, 30_000),
    'provider hangs': steered([{ endpoint: 'any', kind: 'hang', share: 0.7, hang_ms: hangMs }], 10_000, 20_000),
    'provider fails after the effect': steered(
      [{ endpoint: 'any', kind: 'error_after_effect', share: 0.6 }],
      8000,
      15_000,
    ),
    'provider killed': {
      lane: 'money',
      async begin() {
        await bank.kill()
        return atOnce('the bank')
      },
    },
    'webhooks lost': {
      lane: 'money',
      async begin(chance) {
        await bank.steer({ webhooks: { drop_share: 1 } })
        return {
          whom: 'webhooks',
          ms: between(chance, 8000, 20_000),
          end: () => bank.steer({ webhooks: { drop_share: 0 } }),
        }
      },
    },
  }
}
