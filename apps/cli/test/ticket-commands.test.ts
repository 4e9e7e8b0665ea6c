import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { doorKeysOf, loadSigningKeys, payloadOf, signTicket } from '#tickets'
import { holdfast } from './run.ts'

const random = systemRandom()
const root = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
after(() => rmSync(root, { recursive: true, force: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))
function file(name: string, content: string): string {
  writeFileSync(join(root, name), content)
  return join(root, name)
}

const data = emptyFolder()
const keys = await loadSigningKeys({ folder: join(data, 'keys'), random })
const doorKeys = file('door-keys.json', JSON.stringify(doorKeysOf(keys)))
const ticketId = newId('tkt', { clock, random }, 3)
const seatTicket = aTicket({ seatNo: 30_783 })

function aTicket(place: { seatNo: number } | { areaNo: number }): string {
  const code = { keyNumber: keys.current.number, eventNo: 3, place, ticketId, generation: 1 }
  return payloadOf(code, signTicket(code, keys.current.privateKey))
}

suite('verify-ticket', () => {
  test('a genuine ticket is told with everything that it says, from the door keys alone', async () => {
    const { code, stdout } = await holdfast(['verify-ticket', '--keys', doorKeys, '--', seatTicket])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^The ticket is genuine\.$/m)
    for (const said of [ticketId, 'event +number 3', 'seat +number 30783', 'generation +1', 'key +1'])
      assert.match(stdout, new RegExp(`${said}$`, 'm'))
  })

  test('the place of an area is no seat', async () => {
    const { stdout } = await holdfast(['verify-ticket', '--keys', doorKeys, '--', aTicket({ areaNo: 2 })])
    assert.match(stdout, /^ +area +number 2$/m)
    assert.doesNotMatch(stdout, /^ +seat/m)
  })

  test('with --json it is one object', async () => {
    const { json } = await holdfast(['verify-ticket', '--json', '--keys', doorKeys, '--', seatTicket])
    assert.deepEqual(json(), {
      valid: true,
      ticket: { keyNumber: 1, eventNo: 3, place: { seatNo: 30_783 }, ticketId, generation: 1 },
    })
  })

  test('a code comes from standard input, with the line end that echo adds', async () => {
    for (const end of ['', '\n', '\r\n']) {
      const { code } = await holdfast(['verify-ticket', '-', '--keys', doorKeys], { input: `${seatTicket}${end}` })
      assert.equal(code, 0, JSON.stringify(end))
    }
  })

  test('the keys of this installation are taken where none are named', async () => {
    const call = ['verify-ticket', '--', seatTicket]
    assert.equal((await holdfast(call, { env: { HOLDFAST_DATA: data } })).code, 0)
    assert.equal((await holdfast(['verify-ticket', '--keys', join(data, 'keys'), '--', seatTicket])).code, 0)
  })

  const last = seatTicket.at(-4) === '0' ? '1' : '0'
  const bent = `${seatTicket.slice(0, -4)}${last}${seatTicket.slice(-3)}`
  const noKeys = file('no-keys.json', '{"keys":[]}')
  const wrong: [string, string, string, string, RegExp][] = [
    ['one character is another', bent, doorKeys, 'forged', /forged or damaged/],
    ['nobody knows its key', seatTicket, noKeys, 'unknown-key', /Fetch the door keys again/],
    ['it is something else', 'M1LOVELACE/ADA', doorKeys, 'unreadable', /no ticket code/],
  ]
  for (const [name, payload, path, reason, sentence] of wrong)
    test(`a ticket is not good when ${name}: exit code 1, and why`, async () => {
      const told = await holdfast(['verify-ticket', '--keys', path, '--', payload])
      assert.deepEqual([told.code, told.stderr], [1, ''])
      assert.match(told.stdout, sentence)
      assert.doesNotMatch(told.stdout, /genuine/)
      const { code, json } = await holdfast(['verify-ticket', '--json', '--keys', path, '--', payload])
      assert.deepEqual([code, json().valid, json().reason], [1, false, reason])
    })

  test('keys that are not there, or are none, are a wrong call and not a bad ticket', async () => {
    const absent = await holdfast(['verify-ticket', '--keys', join(root, 'nowhere'), '--', seatTicket])
    assert.equal(absent.code, 2)
    assert.match(absent.stderr, /nowhere is not there\. Name the door keys with --keys/)
    for (const content of ['nothing', '{}', '{"keys":[{"key":1}]}']) {
      const told = await holdfast(['verify-ticket', '--keys', file('wrong.json', content), '--', seatTicket])
      assert.equal(told.code, 2, content)
      assert.match(told.stderr, /does not hold door keys: save what GET/)
    }
  })

  test('looking at a ticket makes no key', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'keys'))
    const { code, stderr } = await holdfast(['verify-ticket', '--data', folder, '--', seatTicket])
    assert.equal(code, 2)
    assert.match(stderr, /has no ticket keys/)
    assert.deepEqual(readdirSync(join(folder, 'keys')), [])
  })
})

suite('keys', () => {
  test('a rotation adds a key that signs; the one before goes on verifying', async () => {
    const folder = emptyFolder()
    const { current } = await loadSigningKeys({ folder: join(folder, 'keys'), random })
    const { code, stdout } = await holdfast(['keys', 'rotate', '--data', folder])
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^ +1  ${current.kid}  verifies\n +2  [0-9a-f]{16}  signs\n$`))
    const listed = await holdfast(['keys', 'list', '--json'], { env: { HOLDFAST_DATA: folder } })
    const signs = listed.json().keys.map(({ key, signs }: { key: number; signs: boolean }) => [key, signs])
    assert.deepEqual(signs, [
      [1, false],
      [2, true],
    ])
  })

  test('what is listed has nothing of the private halves', async () => {
    const { stdout } = await holdfast(['keys', 'list', '--data', data])
    assert.match(stdout, /^ +1 {2}[0-9a-f]{16} {2}signs\n$/)
  })

  test('a folder without keys is told, and stays as it is', async () => {
    const folder = emptyFolder()
    for (const verb of ['list', 'rotate']) {
      const { code, stderr } = await holdfast(['keys', verb, '--data', folder])
      assert.equal(code, 2, verb)
      assert.match(stderr, /has no ticket keys\. Name the data folder of the server/)
    }
    assert.deepEqual(readdirSync(folder), [])
  })

  test('a damaged key is told with what to do', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'keys'))
    writeFileSync(join(folder, 'keys', 'ticket-key-001.pem'), 'nothing')
    const { code, stderr } = await holdfast(['keys', 'list', '--data', folder])
    assert.equal(code, 1)
    assert.match(stderr, /ticket-key-001\.pem does not hold an Ed25519 key\. Restore it from a backup/)
  })

  for (const verb of ['list', 'rotate'])
    test(`the help of keys ${verb} knows where the keys are`, async () => {
      const { code, stdout } = await holdfast(['keys', verb, '--help'])
      assert.equal(code, 0)
      assert.match(stdout, /--data <folder>.*HOLDFAST_DATA/)
      assert.match(stdout, new RegExp(`^ +holdfast keys ${verb}`, 'm'))
    })
})
