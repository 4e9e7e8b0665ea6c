import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { doorKeysOf, fromDoorKeys, loadSigningKeys, rotateSigningKeys } from '../code/signing-keys.ts'
import { payloadOf, signTicket, verifyTicket } from '../code/ticket-code.ts'

const random = systemRandom()
const root = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
after(() => rm(root, { recursive: true, force: true }))
let made = 0
const newFolder = () => join(root, String(++made), 'keys')

test('processes that start at once end up with one key, which nobody else can read', async () => {
  const folder = newFolder()
  const all = await Promise.all(Array.from({ length: 8 }, () => loadSigningKeys({ folder, random })))
  assert.equal(new Set(all.map(keys => keys.current.kid)).size, 1)
  assert.deepEqual(await readdir(folder), ['ticket-key-001.pem'])
  assert.equal((await stat(join(folder, 'ticket-key-001.pem'))).mode & 0o777, 0o600)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('after a rotation the new key signs and the old tickets stay good, by what is published alone', async () => {
  const folder = newFolder()
  const before = await loadSigningKeys({ folder, random })
  const ticket = { eventNo: 1, place: { seatNo: 1 }, ticketId: newId('tkt', { clock, random }, 1), generation: 1 }
  const old = { ...ticket, keyNumber: before.current.number }
  const payload = payloadOf(old, signTicket(old, before.current.privateKey))
  const rotated = await rotateSigningKeys({ folder, random })
  assert.equal(rotated.current.number, 2)
  const published = fromDoorKeys(JSON.parse(JSON.stringify(doorKeysOf(rotated))))
  assert.equal(verifyTicket(payload, published).ok, true)
  const next = { ...ticket, keyNumber: 2 }
  assert.equal(verifyTicket(payloadOf(next, signTicket(next, rotated.current.privateKey)), published).ok, true)
  // The negative control: one key's signature under the other's number.
  assert.equal(verifyTicket(payloadOf(next, signTicket(next, before.current.privateKey)), published).ok, false)
})

test('a key file that is damaged stops the start and says what to do', async () => {
  const folder = newFolder()
  await loadSigningKeys({ folder, random })
  await writeFile(join(folder, 'ticket-key-001.pem'), 'nothing')
  await assert.rejects(loadSigningKeys({ folder, random }), /Restore it from a backup/)
})
