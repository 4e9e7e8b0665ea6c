import { readFileSync } from 'node:fs'
import type { Option } from './declare.ts'
import { later, options } from './options.ts'

type ValueOf<O> = O extends Option<infer T, infer D> ? (undefined extends D ? T | undefined : T) : never

/** The settings of this process, parsed once at start, frozen, and passed in. Only this folder reads the environment. */
export type Config = { readonly [Name in keyof typeof options]: ValueOf<(typeof options)[Name]> }

export type Environment = Record<string, string | undefined>

/** All that is wrong with the settings, told together. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: string[]
  constructor(problems: string[]) {
    super(
      `${problems.length === 1 ? 'A setting is' : `${problems.length} settings are`} wrong:\n${problems.map(p => `  - ${p}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/**
 * Reads the settings from the environment; every name may also be given as `NAME_FILE`, a file that holds the value.
 *
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Environment): { config: Config; warnings: string[] } {
  const problems = unknownNames(env)
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(options) as [string, Option<unknown>][]) {
    const given = givenValue(env, name, problems)
    const value = given === undefined ? option.default : option.parse(given)
    if (value === null)
      problems.push(
        `${name} must be ${option.shape}; it is ${option.secret ? 'something else' : JSON.stringify(given)}`,
      )
    values[name] = value
  }
  problems.push(...crossChecks(values as Config))
  if (problems.length > 0) throw new ConfigError(problems)
  const warnings = later
    .filter(name => env[name] !== undefined)
    .map(name => `${name} is set, but this version has no adapter for it yet; it is ignored.`)
  return { config: Object.freeze(values) as Config, warnings }
}

function givenValue(env: Environment, name: string, problems: string[]): string | undefined {
  const file = env[`${name}_FILE`]
  const direct = env[name]
  if (file === undefined || file === '') return direct === '' ? undefined : direct
  if (direct !== undefined && direct !== '') problems.push(`${name} and ${name}_FILE are both set; keep one`)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    problems.push(`${name}_FILE names ${file}, which cannot be read (${(cause as NodeJS.ErrnoException).code})`)
    return undefined
  }
}

function unknownNames(env: Environment): string[] {
  const known = new Set(Object.keys(options).flatMap(name => [name, `${name}_FILE`]))
  return Object.keys(env)
    .filter(name => name.startsWith('HOLDFAST_') && !name.startsWith('HOLDFAST_TEST_') && !known.has(name))
    .map(name => {
      const near = nearest(name, [...known])
      return `${name} is not a setting of Holdfast${near ? `; did you mean ${near}?` : ''}`
    })
}

function crossChecks(config: Config): string[] {
  const problems: string[] = []
  for (const name of ['HOLDFAST_TOKEN_SECRET', 'HOLDFAST_TOKEN_SECRET_PREVIOUS'] as const)
    if (config[name] !== undefined && config[name].length < 32)
      problems.push(`${name} must have at least 32 characters`)
  if (config.HOLDFAST_TOKEN_SECRET_PREVIOUS !== undefined && config.HOLDFAST_TOKEN_SECRET === undefined)
    problems.push('HOLDFAST_TOKEN_SECRET_PREVIOUS is set without HOLDFAST_TOKEN_SECRET')
  if (config.HOLDFAST_ADMIN_PASSWORD !== undefined && config.HOLDFAST_ADMIN_PASSWORD.length < 15)
    problems.push('HOLDFAST_ADMIN_PASSWORD must have at least 15 characters, as it is the only factor')
  const stripe = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_PUBLISHABLE_KEY'] as const
  const missing = stripe.filter(name => config[name] === undefined)
  // A default for any of them would let somebody confirm payments that were never made.
  if (missing.length > 0 && missing.length < stripe.length)
    problems.push(
      `${stripe.join(', ')} belong together; ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    )
  if (config.STRIPE_SECRET_KEY !== undefined && !/^(sk|rk)_(test|live)_/.test(config.STRIPE_SECRET_KEY))
    problems.push('STRIPE_SECRET_KEY must begin with sk_test_, sk_live_, rk_test_ or rk_live_')
  if (config.STRIPE_WEBHOOK_SECRET?.split(',').some(secret => !secret.trim().startsWith('whsec_')))
    problems.push('STRIPE_WEBHOOK_SECRET must begin with whsec_, each if there are several')
  return problems
}

function nearest(name: string, candidates: string[]): string | undefined {
  const scored = candidates.map(candidate => ({ candidate, distance: editDistance(name, candidate) }))
  const best = scored.sort((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= 4 ? best.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++)
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    previous = current
  }
  return previous[b.length]!
}
