import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isChargeable, stripeUnits } from '../currencies.ts'

test('euros are charged in cents, from fifty of them', () => {
  assert.equal(isChargeable(49, 'EUR'), false)
  assert.equal(isChargeable(50, 'EUR'), true)
  assert.equal(isChargeable(51, 'EUR'), true)
})

test('yen have no decimals: fifty are fifty yen', () => {
  assert.equal(isChargeable(49, 'JPY'), false)
  assert.equal(isChargeable(50, 'JPY'), true)
  assert.equal(isChargeable(8001, 'JPY'), true)
})

test('of the three decimals of a dinar the last must be 0', () => {
  assert.equal(isChargeable(12_340, 'KWD'), true)
  assert.equal(isChargeable(12_345, 'KWD'), false)
  assert.equal(isChargeable(10, 'KWD'), true)
  assert.equal(isChargeable(0, 'KWD'), false)
})

test('nothing has more than eight digits, in whatever currency', () => {
  for (const currency of ['EUR', 'JPY']) {
    assert.equal(isChargeable(99_999_999, currency), true, currency)
    assert.equal(isChargeable(100_000_000, currency), false, currency)
  }
  assert.equal(isChargeable(99_999_990, 'KWD'), true)
  assert.equal(isChargeable(100_000_000, 'KWD'), false)
})

test('a currency that the table does not know is left to the provider, but not nothing of it', () => {
  assert.equal(isChargeable(1, 'ZAR'), true)
  assert.equal(isChargeable(0, 'ZAR'), false)
  assert.equal(isChargeable(-100, 'ZAR'), false)
})

test('what the provider counts in hundredths although there are none is sent in hundredths', () => {
  for (const currency of ['ISK', 'UGX']) {
    assert.equal(stripeUnits(currency), 100)
    assert.equal(isChargeable(999_999, currency), true, currency)
    assert.equal(isChargeable(1_000_000, currency), false, currency)
  }
  assert.equal(stripeUnits('JPY'), 1)
})
