import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createLine } from '../hold/line.ts'

const here = () => false

/** A line before a room; who goes on is noted, and takes a place if they say so. */
function stand({ places = 0, lengthMax = 10 } = {}) {
  const clock = manualClock()
  const room = { left: places }
  const line = createLine({
    room: () => room.left,
    lengthMax,
    waitMsMax: 2000,
    clock,
    atEndOfTurn: setImmediate,
    giveUp: reason => new Error(reason),
  })
  const heard: string[] = []
  const come = (name: string, { takes = true, isGone = here } = {}) => {
    const goOn = () => {
      heard.push(name)
      if (takes) room.left--
    }
    const turn = line.turn(isGone)
    if (turn === null) goOn()
    else turn.then(goOn, error => heard.push(`${name}: ${error.message}`))
  }
  const settle = async () => {
    for (let i = 0; i < 20; i++) await turnOfTheLoop()
  }
  return { clock, room, line, come, heard, settle }
}

test('who fits goes on at once, all others when there is room, in the order in which they came', async () => {
  const { room, line, come, heard, settle } = stand({ places: 2 })
  for (const name of 'abcdefg') come(name)
  assert.deepEqual(heard, ['a', 'b'])
  room.left = 3
  come('h')
  assert.deepEqual(heard, ['a', 'b'], 'nobody passes those who wait')
  line.moveOn()
  await settle()
  assert.deepEqual(heard, [...'abcde'])
  assert.equal(line.length, 3)
  room.left = 9
  line.moveOn()
  await settle()
  assert.deepEqual(heard, [...'abcdefgh'])
  come('i')
  assert.equal(heard.at(-1), 'i')
})

test('who goes on and takes no place does not stop those behind', async () => {
  const { room, line, come, heard, settle } = stand()
  for (const name of 'abcdefg') come(name, { takes: false })
  room.left = 2
  line.moveOn()
  await settle()
  assert.deepEqual(heard, [...'abcdefg'])
})

test('who would be too late, has gone, or finds the line full hears of it', async () => {
  const { clock, room, line, come, heard, settle } = stand({ lengthMax: 3 })
  come('early')
  clock.advance(1500)
  come('gone', { isGone: () => true })
  come('patient')
  come('fourth')
  await settle()
  assert.deepEqual(heard, ['fourth: queue-full'])
  clock.advance(501)
  room.left = 1
  line.moveOn()
  await settle()
  assert.deepEqual(heard.slice(1), ['early: too-late', 'gone: client-gone', 'patient'])
})
