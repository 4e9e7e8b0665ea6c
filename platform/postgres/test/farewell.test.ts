import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { RetryableFault } from '#kernel/faults.ts'
import { openDatabase } from '../database.ts'

// A server that dies says so once more to whoever is idle. On a slow wire that can arrive in one piece with the answer to the question
// before, when the connection has just passed from one caller to the next and belongs to nobody.

const message = (type: string, body: Buffer) => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const ready = message('Z', Buffer.from('I'))
const complete = message('C', Buffer.from('SELECT 0\0'))
const farewell = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0'))

let answer = Buffer.concat([complete, ready])
const server = createServer((socket: Socket) => {
  socket.once('data', () => {
    socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]))
    socket.on('data', () => socket.write(answer))
  })
  socket.on('error', () => {})
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())

function open() {
  const { port } = server.address() as AddressInfo
  return openDatabase({ url: `postgres://fan@127.0.0.1:${port}/holdfast`, max: 1, name: 'test' })
}

for (const [who, ask] of [
  ['a transaction', (db: ReturnType<typeof open>) => db.transaction(async tx => tx.query('select 2'))],
  ['a statement', (db: ReturnType<typeof open>) => db.query('select 2')],
  ['a statement that commits', (db: ReturnType<typeof open>) => db.query({ text: 'select 2', commits: true })],
] as const)
  test(`${who} that was waiting for a connection is told that the database is away`, async () => {
    const db = open()
    await db.query('select 0')
    answer = Buffer.concat([complete, ready, farewell])
    const first = db.query('select 1')
    const second = assert.rejects(ask(db), RetryableFault)
    assert.deepEqual((await first).rows, [])
    await second
    answer = Buffer.concat([complete, ready])
    assert.deepEqual((await db.query('select 3')).rows, [], 'the next one has another connection')
    await db.close()
  })
