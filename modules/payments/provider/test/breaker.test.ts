import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker } from '../breaker.ts'
import { VirtualClock } from './virtual-clock.ts'

function openBreaker() {
  const clock = new VirtualClock()
  const breaker = new Breaker({ clock, failuresMax: 3, openMs: 1000 })
  for (let i = 0; i < 3; i++) breaker.failed()
  return { clock, breaker }
}

test('so many failures one after the other open it, one fewer do not', () => {
  const breaker = new Breaker({ clock: new VirtualClock(), failuresMax: 3 })
  breaker.failed()
  breaker.failed()
  assert.equal(breaker.state, 'closed')
  assert.equal(breaker.admits(), true)
  breaker.failed()
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.admits(), false)
})

test('an answer in between starts the count again', () => {
  const breaker = new Breaker({ clock: new VirtualClock(), failuresMax: 3 })
  for (let i = 0; i < 10; i++) {
    breaker.failed()
    breaker.failed()
    breaker.answered()
  }
  assert.equal(breaker.state, 'closed')
})

test('after its pause one call may try, and only one', async () => {
  const { clock, breaker } = openBreaker()
  await clock.pass(999)
  assert.equal(breaker.admits(), false)
  await clock.pass(1)
  assert.equal(breaker.state, 'half-open')
  assert.equal(breaker.admits(), true)
  assert.equal(breaker.admits(), false)
})

test('an answer to the try closes it and makes the next pause short again', async () => {
  const { clock, breaker } = openBreaker()
  await clock.pass(1000)
  breaker.admits()
  breaker.failed()
  await clock.pass(2000)
  breaker.admits()
  breaker.answered()
  assert.equal(breaker.state, 'closed')
  for (let i = 0; i < 3; i++) breaker.failed()
  await clock.pass(1000)
  assert.equal(breaker.state, 'half-open')
})

test('each try that fails doubles the pause, up to four seconds', async () => {
  const { clock, breaker } = openBreaker()
  await clock.pass(1000)
  for (const pauseMs of [2000, 4000, 4000]) {
    assert.equal(breaker.admits(), true)
    breaker.failed()
    await clock.pass(pauseMs - 1)
    assert.equal(breaker.state, 'open', `${pauseMs} ms are not over`)
    await clock.pass(1)
    assert.equal(breaker.state, 'half-open')
  }
})

test('calls that were under way when it opened do not make the pause longer', async () => {
  const { clock, breaker } = openBreaker()
  for (let i = 0; i < 24; i++) breaker.failed()
  await clock.pass(1000)
  assert.equal(breaker.state, 'half-open')
})

test('a late failure while half-open is not that of the try, which nobody has sent yet', async () => {
  const { clock, breaker } = openBreaker()
  await clock.pass(1000)
  breaker.failed()
  assert.equal(breaker.admits(), true)
})
