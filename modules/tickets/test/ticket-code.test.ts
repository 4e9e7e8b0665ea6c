import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { fromBase45, toBase45 } from '../code/base45.ts'
import { payloadOf, saidBy, signTicket, type TicketCode, verifyTicket } from '../code/ticket-code.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const keys = new Map([[7, publicKey]])
const source = { clock, random: systemRandom() }
const code: TicketCode = {
  keyNumber: 7,
  eventNo: 3,
  place: { seatNo: 30_783 },
  ticketId: newId('tkt', source, 3),
  generation: 1,
}
const payload = payloadOf(code, signTicket(code, privateKey))

test('Base45 is that of RFC 9285', () => {
  for (const [text, encoded] of [
    ['AB', 'BB8'],
    ['Hello!!', '%69 VD92EX0'],
    ['base-45', 'UJCLQE7W581'],
    ['ietf!', 'QED8WEX0'],
  ] as const) {
    assert.equal(toBase45(Buffer.from(text)), encoded)
    assert.equal(fromBase45(encoded)!.toString(), text)
  }
  for (const wrong of ['GGW', ':::', 'A', 'ab8', 'É00']) assert.equal(fromBase45(wrong), null, wrong)
})

test('any bytes come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
      assert.deepEqual(fromBase45(toBase45(bytes)), Buffer.from(bytes))
    }),
  )
})

test('a ticket is 138 characters that a QR code stores best, and says what it was made of', () => {
  assert.equal(payload.length, 138)
  assert.match(payload, /^[0-9A-Z $%*+\-./:]+$/)
  assert.deepEqual(verifyTicket(payload, keys), { ok: true, code })
})

test('places of an area and seats are told apart, whatever their numbers', () => {
  fc.assert(
    fc.property(
      fc.nat(0x7fffffff),
      fc.boolean(),
      fc.nat(0xffff),
      fc.nat(0x7fffffff),
      (no, isSeat, generation, eventNo) => {
        const any: TicketCode = { ...code, eventNo, generation, place: isSeat ? { seatNo: no } : { areaNo: no } }
        assert.deepEqual(verifyTicket(payloadOf(any, signTicket(any, privateKey)), keys), { ok: true, code: any })
      },
    ),
    { numRuns: 50 },
  )
})

test('every single bit that is not as it was signed is seen', () => {
  const bytes = fromBase45(payload)!
  assert.equal(bytes.length, 92)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bent = Buffer.from(bytes)
    bent[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(verifyTicket(toBase45(bent), keys).ok, false, `bit ${bit}`)
  }
})

test('another key, a key that nobody knows, and what is no ticket are refused with a reason', () => {
  const other = new Map([[7, generateKeyPairSync('ed25519').publicKey]])
  const reasonOf = (text: string, of = keys) => {
    const verdict = verifyTicket(text, of)
    return verdict.ok ? 'ok' : verdict.reason
  }
  assert.equal(reasonOf(payload, other), 'forged')
  assert.equal(reasonOf(payload, new Map()), 'unknown-key')
  assert.equal(reasonOf(payload.toLowerCase()), 'unreadable')
  assert.equal(reasonOf(payload.slice(0, -3)), 'unreadable')
  assert.equal(reasonOf(`${payload}000`), 'unreadable')
  assert.equal(reasonOf(''), 'unreadable')
  const future = Buffer.concat([Buffer.from([2]), saidBy(code).subarray(1), signTicket(code, privateKey)])
  assert.equal(reasonOf(toBase45(future)), 'other-version')
})

test('whatever is scanned, there is a verdict', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), text => assert.equal(verifyTicket(text, keys).ok, false)))
})

test('a number that a code has no room for is refused and not cut off', () => {
  const last = { ...code, generation: 65_535 }
  assert.equal(verifyTicket(payloadOf(last, signTicket(last, privateKey)), keys).ok, true)
  assert.throws(() => signTicket({ ...code, generation: 65_536 }, privateKey), /fits two bytes/)
  assert.throws(() => signTicket({ ...code, place: { seatNo: 2 ** 31 } }, privateKey), /top bit/)
})
