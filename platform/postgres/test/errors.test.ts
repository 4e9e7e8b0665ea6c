import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { classify } from '../errors.ts'

const withCode = (code: string) => Object.assign(new Error(code), { code })

test('a server that is away, or not yet the primary, may be asked again; under COMMIT nobody knows', () => {
  for (const code of [
    '57P01',
    '25006',
    '08P01',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ]) {
    assert.ok(classify(withCode(code)) instanceof RetryableFault, code)
    assert.ok(classify(withCode(code), { committing: true }) instanceof OutcomeUnknown, code)
  }
})

test('what was never sent did nothing, also under COMMIT', () => {
  const unsent = new Error('Client has encountered a connection error and is not queryable')
  assert.ok(classify(unsent, { committing: true }) instanceof RetryableFault)
})

test('a pool that is in use is not a database that is away', () => {
  const full = classify(new Error('timeout exceeded when trying to connect'), { committing: true })
  assert.ok(full instanceof RetryableFault)
  assert.match(full.message, /all connections .* are in use/)
  assert.match((classify(withCode('ECONNREFUSED')) as Error).message, /not reachable/)
})

test('a mistake of ours stays what it is', () => {
  const mistake = withCode('42601')
  assert.equal(classify(mistake), mistake)
})
