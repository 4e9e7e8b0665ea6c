import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountErrors, normalizeEmail } from '../accounts/account-fields.ts'
import { passwordWeakness } from '../accounts/password-rules.ts'

const ann = { email: 'ann.miller@example.org', name: 'Ann Miller' }
const good = { ...ann, password: 'correct horse battery staple' }

test('an address has one spelling', () => {
  assert.equal(normalizeEmail('  Ann.MILLER@Example.ORG '), ann.email)
  assert.equal(normalizeEmail('Zoë@example.org'.normalize('NFD')), 'zoë@example.org'.normalize('NFC'))
})

test('every field that is wrong is told at once', () => {
  const errors = accountErrors({ email: 'ann at example.org', name: ' \n ', password: 'a'.repeat(20) })
  assert.deepEqual(
    errors.map(error => error.path),
    ['email', 'name', 'password'],
  )
  assert.deepEqual(accountErrors(good), [])
})

test('a text that normalising makes too long is refused, not cut', () => {
  assert.equal(accountErrors({ ...good, email: `${'İ'.repeat(200)}@example.org` })[0]?.path, 'email')
})

for (const weak of [
  'aaaaaaaaaaaaaaaaaaaa',
  'abababababababab',
  '123456789012345',
  '1234567890123456789',
  'qwertyuiopasdfgh',
  'passwordpassword',
  'ann.miller@example.org',
  'annmillerannmiller1',
  'AnnMillerAnnMiller',
  'password12345678',
])
  test(`"${weak}" is refused as a password of Ann Miller`, () => assert.notEqual(passwordWeakness(weak, ann), null))

for (const strong of [
  'correct horse battery staple',
  'Ann Miller walks to the opera at nine',
  'x7!Kq2#vLp9@Wd4',
  'пароль из нескольких слов',
  '紙飛行機が青い空をゆっくり飛んで行く日',
])
  test(`"${strong}" is taken`, () => assert.equal(passwordWeakness(strong, ann), null))
