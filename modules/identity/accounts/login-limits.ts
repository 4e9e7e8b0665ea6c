import { isIPv6 } from 'node:net'
import type { Clock } from '#kernel/clock.ts'
import { createRateLimiter, type Limit, type RateLimiter, type Verdict } from '#platform/limits/gcra.ts'
import { normalizeEmail } from './account-fields.ts'

export type LimitOutcome = { limit: Limit; verdict: Verdict }

export type LoginLimits = {
  /** Counts an attempt; the outcome that refuses, or the tighter one. */
  login(email: string, ip: string): LimitOutcome
  /** The password was right: the attempt does not count. */
  loginSucceeded(email: string, ip: string): void
  signup(ip: string): LimitOutcome
}

/**
 * Guessing gets slow, logging in stays quick: attempts are counted before the password is looked at, so that many at once do
 * not slip through, and given back when it was right.
 *
 * Never per address alone: then anybody could lock anybody out. Per address and network stops guessing at one account, per
 * network alone stops trying a leaked list on many. A network is generous, as a mobile operator hides thousands behind one.
 */
export function createLoginLimits(clock: Clock): LoginLimits {
  const perAccount = createRateLimiter({ name: 'login', burst: 10, perSeconds: 600 }, clock)
  const perNetwork = createRateLimiter({ name: 'login-network', burst: 300, perSeconds: 600 }, clock)
  const signups = createRateLimiter({ name: 'signup', burst: 600, perSeconds: 600 }, clock)
  const accountKey = (email: string, ip: string) => `${networkOf(ip)} ${normalizeEmail(email)}`

  return {
    login(email, ip) {
      const network = taken(perNetwork, networkOf(ip))
      if (!network.verdict.allowed) return network
      const account = taken(perAccount, accountKey(email, ip))
      if (!account.verdict.allowed || account.verdict.remaining <= network.verdict.remaining) return account
      return network
    },
    loginSucceeded(email, ip) {
      perNetwork.giveBack(networkOf(ip))
      perAccount.giveBack(accountKey(email, ip))
    },
    signup: ip => taken(signups, networkOf(ip)),
  }
}

function taken(limiter: RateLimiter, key: string): LimitOutcome {
  return { limit: limiter.limit, verdict: limiter.take(key) }
}

/** What one customer of an access provider is given: a /24 of IPv4, a /56 of IPv6. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip.split('.').slice(0, 3).join('.')
  const mapped = /^::ffff:(\d+\.\d+\.\d+)\.\d+$/i.exec(ip)
  if (mapped !== null) return mapped[1]!
  const [head = '', tail = ''] = ip.split('%')[0]!.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const front = groups(head)
  const back = ip.includes('::') ? groups(tail) : []
  const all = [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
  const bits = all.slice(0, 4).map(group => Number.parseInt(group, 16))
  bits[3]! &= 0xff00
  return bits.map(group => group.toString(16)).join(':')
}
