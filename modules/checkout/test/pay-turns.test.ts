import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReservationId } from '#kernel/ids.ts'
import { PayTurns } from '../pay-turns.ts'

const minutes = 60_000

/** A lane of 25 a second before which buyers come and go. */
function counter({ perSecond = 25, waitMaxMs = 4000 } = {}) {
  let now = 0
  let queued = 0
  const turns = new PayTurns({ clock: { monotonic: () => now }, perSecond, waitMaxMs })
  const laneMs = () => (queued / perSecond) * 1000
  return {
    turns,
    now: () => now,
    pass(ms: number) {
      now += ms
      queued = Math.max(0, queued - (ms * perSecond) / 1000)
    },
    ask(who: number, endsAt = 10 * minutes) {
      const turn = turns.ask(`rsv_${who}` as ReservationId, { laneMs: laneMs(), endsInMs: endsAt - now })
      if (turn.waitMs === 0) queued++
      return turn
    },
  }
}

test('while there is room, everybody goes at once', () => {
  const { ask, turns } = counter()
  for (let who = 0; who < 100; who++) assert.equal(ask(who).waitMs, 0)
  assert.equal(turns.waiting, 0)
})

test('who comes first has the first turn, and asking again does not change it', () => {
  const { ask, pass } = counter()
  for (let who = 0; who < 101; who++) ask(who)
  const first = ask(200)
  const second = ask(201)
  assert.ok(first.waitMs > 0 && second.waitMs > first.waitMs)
  for (let i = 0; i < 10; i++) assert.equal(ask(200).waitMs, first.waitMs)
  pass(1000)
  assert.equal(ask(200).waitMs, first.waitMs - 1000)
})

test('a wave is served at the rate of the lane, in its order, and nobody asks in vain', () => {
  const { ask, pass, now } = counter()
  const wave = Array.from({ length: 5000 }, (_, who) => ({ who, at: 0, asked: 0 }))
  const served: number[] = []
  let waiting = wave
  while (waiting.length > 0) {
    assert.ok(now() < 5 * minutes, `${waiting.length} still wait`)
    const later: typeof wave = []
    for (const buyer of waiting) {
      if (buyer.at > now()) {
        later.push(buyer)
        continue
      }
      buyer.asked++
      const { waitMs, inTime } = ask(buyer.who)
      assert.ok(inTime)
      if (waitMs === 0) served.push(buyer.who)
      else later.push({ ...buyer, at: now() + Math.ceil(waitMs / 1000) * 1000 })
    }
    waiting = later
    pass(100)
  }
  assert.ok(now() < (5000 / 25) * 1000 + 10_000, `it took ${now()} ms`)
  const farthest = Math.max(...served.map((who, i) => Math.abs(who - i)))
  assert.ok(farthest < 200, `somebody was ${farthest} places out of order`)
})

test('for whom there is no turn before the end of their hold, that is said at once', () => {
  const { ask } = counter()
  for (let who = 0; who < 14_600; who++) ask(who)
  const tooLate = ask(20_000)
  assert.deepEqual(tooLate, { waitMs: 60_000, inTime: false })
  const longer = ask(20_001, 20 * minutes)
  assert.ok(longer.inTime, 'somebody whose hold ends later has one')
})

test('who comes when it is their turn and finds the lane behind stays before those who come later', () => {
  const { ask, pass, turns, now } = counter()
  for (let who = 0; who < 200; who++) ask(who)
  const first = ask(150)
  pass(first.waitMs)
  const behind = turns.ask('rsv_150' as ReservationId, { laneMs: 9000, endsInMs: 10 * minutes - now() })
  assert.deepEqual(behind, { waitMs: 9000, inTime: true })
  const newcomer = turns.ask('rsv_300' as ReservationId, { laneMs: 9000, endsInMs: 10 * minutes })
  assert.ok(newcomer.waitMs > 9000, `${newcomer.waitMs}`)
})

test('who does not come loses the turn, and what the lane has to spare goes to whoever asks', () => {
  const { ask, pass, turns } = counter()
  for (let who = 0; who < 400; who++) ask(who)
  assert.ok(turns.waiting > 200)
  pass(6000)
  assert.equal(ask(1000).waitMs, 0, 'nobody of those before came')
  pass(3 * minutes)
  assert.equal(ask(1001).waitMs, 0)
  assert.equal(turns.waiting, 0)
})
