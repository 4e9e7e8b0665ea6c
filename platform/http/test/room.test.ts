import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Room } from '../room.ts'

function after(
  seconds: number,
  perSecond: number,
  { room = new Room(), underWay = 10_000, busy = 1 }: { room?: Room; underWay?: number; busy?: number } = {},
): Room {
  for (let tick = 0; tick < seconds * 20; tick++) {
    for (let served = 0; served < perSecond / 20; served++) room.served()
    room.tick(50, underWay, busy)
  }
  return room
}

test('there is room for what is served in 0.6 s', () => {
  const { size } = after(5, 5000)
  assert.ok(Math.abs(size - 3000) < 50, `${size}`)
})

test('it is never less than what a start needs, nor more than memory allows', () => {
  assert.equal(new Room().size, 400)
  assert.equal(after(5, 100).size, 400)
  assert.equal(after(5, 50_000).size, 4000)
})

test('a process that has just started learns its pace within a tick or two', () => {
  assert.ok(after(0.1, 5000).size > 2500)
})

test('some work shows how much could be done, and little work shows nothing', () => {
  const { size } = after(5, 2500, { underWay: 50, busy: 0.5 })
  assert.ok(Math.abs(size - 3000) < 50, `${size}`)
  assert.equal(after(5, 2500, { underWay: 50, busy: 0.2 }).size, 400)
})

test('a quiet hour, or one that is busy with something else, does not make us forget how fast we are', () => {
  const room = after(5, 5000)
  const { size } = room
  after(60, 3, { room, underWay: 2, busy: 0.01 })
  after(60, 30, { room, underWay: 20, busy: 1 })
  assert.equal(room.size, size)
})

test('when serving slows down the room shrinks within a second', () => {
  const room = after(5, 5000)
  after(1, 1000, { room })
  assert.ok(room.size < 1250, `${room.size}`)
})

test('nor does a room that is less than half full hide that serving slowed down', () => {
  const room = after(5, 8000)
  after(2, 1000, { room, underWay: 1999 })
  assert.ok(room.size < 1000, `${room.size}`)
})

test('chance in light work does not add up', () => {
  let state = 1
  const random = () => {
    state = (state * 48271) % 0x7fffffff
    return state / 0x7fffffff
  }
  const room = new Room()
  for (let tick = 0; tick < 10 * 60 * 20; tick++) {
    // 525 a second at chance, each of which takes a 1,500th of a second.
    let served = 0
    for (let ms = 0; ms < 50; ms++) if (random() < 0.525) served++
    for (let n = 0; n < served; n++) room.served()
    room.tick(50, 20, Math.min(1, served / 75 + 0.02 * random()))
  }
  assert.ok(room.size < 1.1 * 900, `${room.size}`)
})

test('a start that is busy with itself takes nothing from the first who are served', () => {
  const room = after(1, 0, { underWay: 300 })
  after(5, 0, { room, underWay: 0 })
  assert.ok(after(0.1, 5000, { room }).size > 2500)
})
