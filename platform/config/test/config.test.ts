import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../config.ts'
import { explainConfig } from '../explain.ts'

function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
  return []
}

test('an empty environment gives the defaults', () => {
  const { config } = readConfig({})
  assert.equal(config.PORT, 3000)
  assert.equal(config.DATABASE_URL, undefined)
  assert.ok(config.HOLDFAST_ROLES.includes('relay'))
})

test('all problems are told together', () => {
  const problems = problemsOf({
    PORT: '99999',
    HOLDFAST_ROLES: 'api,clerk',
    HOLDFAST_DEMO: 'yes',
    DATABASE_URL: 'mysql://x',
  })
  assert.equal(problems.length, 4)
  assert.match(problems.join('\n'), /PORT must be a whole number from 0 to 65535; it is "99999"/)
})

test('an unknown HOLDFAST_ name is refused with the nearest known one', () => {
  assert.deepEqual(problemsOf({ HOLDFAST_ROLE: 'api' }), [
    'HOLDFAST_ROLE is not a setting of Holdfast; did you mean HOLDFAST_ROLES?',
  ])
})

test('a secret may come from a file, but not from two places', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'url')
  writeFileSync(file, 'postgres://localhost/holdfast\n')
  assert.equal(readConfig({ DATABASE_URL_FILE: file }).config.DATABASE_URL, 'postgres://localhost/holdfast')
  assert.match(problemsOf({ DATABASE_URL_FILE: file, DATABASE_URL: 'postgres://elsewhere/x' })[0]!, /both set/)
  assert.match(problemsOf({ DATABASE_URL_FILE: '/nowhere/at/all' })[0]!, /cannot be read \(ENOENT\)/)
})

test('secrets are never shown', () => {
  const secret = 'correct horse battery staple of many letters'
  const { config } = readConfig({ HOLDFAST_TOKEN_SECRET: secret })
  assert.ok(!JSON.stringify(explainConfig(config)).includes(secret))
  assert.ok(!problemsOf({ HOLDFAST_TOKEN_SECRET: 'short-secret' }).join().includes('short-secret'))
})

test('a setting whose adapter does not exist yet is named, not silently taken', () => {
  assert.match(
    readConfig({ REDIS_URL: 'redis://localhost' }).warnings[0]!,
    /REDIS_URL is set, but this version has no adapter/,
  )
})

test('real money needs its secrets, all of them: there is no default for any', () => {
  const stripe = {
    STRIPE_SECRET_KEY: 'sk_live_1',
    STRIPE_WEBHOOK_SECRET: 'whsec_1,whsec_2',
    STRIPE_PUBLISHABLE_KEY: 'pk_live_1',
  }
  assert.equal(readConfig(stripe).config.STRIPE_WEBHOOK_SECRET, 'whsec_1,whsec_2')
  for (const name of Object.keys(stripe)) {
    const { [name]: _, ...rest } = stripe as Record<string, string>
    assert.throws(() => readConfig(rest), new RegExp(`belong together; ${name} is missing`))
  }
  assert.throws(() => readConfig({ ...stripe, STRIPE_WEBHOOK_SECRET: 'whsec_1,secret' }), /must begin with whsec_/)
  assert.throws(() => readConfig({ ...stripe, STRIPE_SECRET_KEY: 'pk_live_1' }), /must begin with sk_test_/)
})
