import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Room } from '../room.ts'

function after(seconds: number, perSecond: number, room = new Room(), underWay = 10_000): Room {
  for (let tick = 0; tick < seconds * 20; tick++) {
    for (let served = 0; served < perSecond / 20; served++) room.served()
    room.tick(50, underWay)
  }
  return room
}

test('there is room for what is served in 0.4 s', () => {
  const { size } = after(5, 8000)
  assert.ok(Math.abs(size - 3200) < 50, `${size}`)
})

test('it is never less than what a start needs, nor more than memory allows', () => {
  assert.equal(new Room().size, 400)
  assert.equal(after(5, 100).size, 400)
  assert.equal(after(5, 50_000).size, 4000)
})

test('a quiet hour says nothing of how fast we are', () => {
  const room = after(5, 8000)
  const { size } = room
  after(60, 3, room, 2)
  assert.equal(room.size, size)
})

test('when serving slows down the room shrinks within a second', () => {
  const room = after(5, 8000)
  after(1, 1000, room)
  assert.ok(room.size < 900, `${room.size}`)
})
