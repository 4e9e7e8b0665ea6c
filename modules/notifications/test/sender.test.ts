import assert from 'node:assert/strict'
import { test } from 'node:test'
import { senderOf } from '../sender.ts'

test('the sender is a name with an address, or an address alone', () => {
  const tickets = { address: 'tickets@holdfast.localhost', domain: 'holdfast.localhost' }
  assert.deepEqual(senderOf('Holdfast <tickets@holdfast.localhost>'), { name: 'Holdfast', ...tickets })
  assert.deepEqual(senderOf('"Holdfast, Leipzig" <tickets@holdfast.localhost>'), {
    name: 'Holdfast, Leipzig',
    ...tickets,
  })
  assert.deepEqual(senderOf(' tickets@holdfast.localhost '), { name: tickets.address, ...tickets })
})

test('anything else ends the start', () => {
  for (const text of ['', 'Holdfast', 'Holdfast <tickets>', 'a@b.c, d@e.f', 'A <a@b.c>\r\nBcc: d@e.f', 'A <a@b.c'])
    assert.throws(() => senderOf(text), /HOLDFAST_MAIL_FROM/, text)
})
