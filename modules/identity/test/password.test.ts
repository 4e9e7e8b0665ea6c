import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryableFault } from '#kernel/faults.ts'
import { systemRandom } from '#kernel/random.ts'
import { createLane, createPasswords } from '../accounts/password.ts'

const passwords = createPasswords({ random: systemRandom() })
const sentence = 'correct horse battery staple'

test('a hash tells its parameters, matches its password and no other', async () => {
  const hash = await passwords.hash(sentence)
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await passwords.matches(sentence, hash), true)
  assert.equal(await passwords.matches(`${sentence} `, hash), false)
  assert.equal(await passwords.matchesNobody(sentence), false)
})

// RFC 9106 gives no vector without a secret; this one is the reference implementation's for m=65536, t=2, p=1.
test('a hash of the reference implementation matches', async () => {
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await passwords.matches('password', reference), true)
  assert.equal(passwords.isOutdated(reference), true)
  assert.equal(passwords.isOutdated(await passwords.hash(sentence)), false)
})

test('a password typed on a keyboard that composes its letters otherwise is the same', async () => {
  const hash = await passwords.hash('Grüße aus Nürnberg')
  assert.equal(await passwords.matches('Grüße aus Nürnberg'.normalize('NFD'), hash), true)
})

test('a lane runs so many at once, lets so many wait in order, and turns the rest away', async () => {
  const lane = createLane(2, 3)
  const finish: (() => void)[] = []
  const order: number[] = []
  let running = 0
  let most = 0
  const work = (n: number) => async () => {
    order.push(n)
    most = Math.max(most, ++running)
    await new Promise<void>(resolve => finish.push(resolve))
    running--
  }
  const taken = [0, 1, 2, 3, 4].map(n => lane.run(work(n)))
  assert.equal(lane.waiting(), 3)
  await assert.rejects(lane.run(work(5)), RetryableFault)
  while (finish.length > 0) {
    finish.shift()!()
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(taken)
  assert.deepEqual(order, [0, 1, 2, 3, 4])
  assert.equal(most, 2)
})

test('work that fails gives its place to the next', async () => {
  const lane = createLane(1, 5)
  const failed = lane.run(async () => {
    throw new Error('no')
  })
  const next = lane.run(async () => 'done')
  await assert.rejects(failed, /no/)
  assert.equal(await next, 'done')
})
