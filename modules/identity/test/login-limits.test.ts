import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createLoginLimits, networkOf } from '../accounts/login-limits.ts'

const ann = 'ann@example.org'

test('guessing at one account from one network stops after ten, whatever the spelling of the address', () => {
  const limits = createLoginLimits(manualClock())
  for (let i = 0; i < 10; i++)
    assert.equal(limits.login(i % 2 ? ann : ' ANN@example.org', '192.0.2.1').verdict.allowed, true)
  const refused = limits.login(ann, '192.0.2.200')
  assert.deepEqual(
    [refused.limit.name, refused.verdict.allowed, refused.verdict.retryAfterSeconds],
    ['login', false, 60],
  )
})

test('who guesses at an account does not lock its owner out', () => {
  const limits = createLoginLimits(manualClock())
  for (let i = 0; i < 50; i++) limits.login(ann, '192.0.2.1')
  assert.equal(limits.login(ann, '198.51.100.1').verdict.allowed, true)
})

test('trying a leaked list from one network stops after three hundred', () => {
  const limits = createLoginLimits(manualClock())
  for (let i = 0; i < 300; i++) assert.equal(limits.login(`u${i}@example.org`, '192.0.2.1').verdict.allowed, true)
  assert.equal(limits.login('one-more@example.org', '192.0.2.1').limit.name, 'login-network')
})

test('logging in with the right password is never limited', () => {
  const limits = createLoginLimits(manualClock())
  for (let i = 0; i < 500; i++) {
    assert.equal(limits.login(ann, '192.0.2.1').verdict.allowed, true)
    limits.loginSucceeded(ann, '192.0.2.1')
  }
})

test('a network is a /24 of IPv4 and a /56 of IPv6', () => {
  assert.equal(networkOf('192.0.2.77'), '192.0.2')
  assert.equal(networkOf('::ffff:192.0.2.77'), '192.0.2')
  assert.equal(networkOf('2001:db8:1:2ff::1'), networkOf('2001:db8:1:200:5:6:7:8'))
  assert.notEqual(networkOf('2001:db8:1:2ff::1'), networkOf('2001:db8:1:3ff::1'))
  assert.equal(networkOf('::1'), '0:0:0:0')
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0')
})
