import { type Argon2Parameters, argon2, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { RetryableFault } from '#kernel/faults.ts'
import type { Random } from '#kernel/random.ts'

/** OWASP's least for argon2id: 19 MiB, two passes, one lane. About 50 ms of one core. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const tagBytes = 32
const nonceBytes = 16

/**
 * Hashings at once. They run beside the event loop but on the same cores, so that on a machine of two cores a second one
 * would take from the sale what the first has left.
 */
const atOnceMax = availableParallelism() > 2 ? 2 : 1
/** Callers that wait for one of them: at most two seconds of work. More are turned away at once. */
const waitingMax = 40

export type Passwords = {
  /** A PHC string. @throws RetryableFault when too many wait already */
  hash(password: string): Promise<string>
  /** @throws RetryableFault when too many wait already */
  matches(password: string, hash: string): Promise<boolean>
  /** Costs as much as `matches` with a hash of today's parameters, and is never right. */
  matchesNobody(password: string): Promise<false>
  /** Whether the hash was made with parameters that we have since given up. */
  isOutdated(hash: string): boolean
  waiting(): number
}

type Hash = { memory: number; passes: number; parallelism: number; nonce: Buffer; tag: Buffer }

const argon2id = promisify((input: Argon2Parameters, done: (error: Error | null, tag: Buffer) => void) =>
  argon2('argon2id', input, done),
)

/** Passwords as argon2id hashes, few at a time: a flood of logins must not starve the sale. */
export function createPasswords({ random }: { random: Random }): Passwords {
  const lane = createLane(atOnceMax, waitingMax)
  const derive = (password: string, { tag, ...settings }: Hash) =>
    // NFKC (NIST SP 800-63B): the same password typed on another keyboard is the same bytes.
    lane.run(() => argon2id({ message: password.normalize('NFKC'), tagLength: tag.length, ...settings }))
  const matches = async (password: string, hash: Hash) => timingSafeEqual(await derive(password, hash), hash.tag)
  const fresh = (): Hash => ({ ...parameters, nonce: random.bytes(nonceBytes), tag: Buffer.alloc(tagBytes) })
  const nobody: Hash = { ...fresh(), tag: random.bytes(tagBytes) }

  return {
    hash: async password => {
      const made = fresh()
      return format({ ...made, tag: await derive(password, made) })
    },
    matches: (password, hash) => matches(password, parse(hash)),
    matchesNobody: async password => {
      await matches(password, nobody)
      return false
    },
    isOutdated: hash => {
      const { memory, passes, parallelism } = parse(hash)
      return memory !== parameters.memory || passes !== parameters.passes || parallelism !== parameters.parallelism
    },
    waiting: lane.waiting,
  }
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

function parse(hash: string): Hash {
  const parts = phc.exec(hash)
  if (parts === null) throw new Error('a stored password hash is not an argon2id PHC string')
  const [, memory, passes, parallelism, nonce, tag] = parts as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function format({ memory, passes, parallelism, nonce, tag }: Hash): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(nonce)}$${text(tag)}`
}

/** Runs at most `atOnce` of what it is given and lets `max` wait, in order. */
export function createLane(atOnce: number, max: number) {
  const queue: (() => void)[] = []
  let running = 0
  return {
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (running < atOnce) running++
      else if (queue.length >= max)
        throw new RetryableFault('too many passwords wait to be checked', { retryAfterSeconds: 2 })
      else await new Promise<void>(resolve => queue.push(resolve))
      try {
        return await work()
      } finally {
        // The place passes to the next in line without being free in between.
        const next = queue.shift()
        if (next === undefined) running--
        else next()
      }
    },
    waiting: () => queue.length,
  }
}
