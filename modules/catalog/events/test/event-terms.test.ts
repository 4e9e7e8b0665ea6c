import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NewEvent } from '#contracts/catalog.ts'
import { termErrors, termsAfter } from '../event-terms.ts'
import { versionOf } from '../event-view.ts'
import { priceLevelErrors, readPriceLevels } from '../price-levels.ts'
import { slugOf } from '../slug.ts'

const given: NewEvent = {
  venue_id: '',
  seatmap_id: '',
  name: ' Zoe\u0308 ',
  starts_at: '2030-05-01T20:00:00+02:00',
  currency: 'EUR',
  price_levels: [{ price_level: 'A', amount: 100 }],
}

test('what is not given has its default, and names are in one form', () => {
  const terms = termsAfter(given)
  assert.equal(terms.name, 'Zoë')
  assert.equal(terms.startsAt, Date.parse('2030-05-01T18:00:00Z'))
  assert.deepEqual(terms.holdPolicy, {
    hold_seconds: 600,
    max_extensions: 1,
    extension_seconds: 300,
    single_seat_rule: 'enforce',
  })
  assert.deepEqual(termErrors(terms), [])
})

test('a change touches what it names and nothing else', () => {
  const before = termsAfter({ ...given, artist: 'Zoë', hold_policy: { hold_seconds: 60 } })
  const after = termsAfter({ artist: null, hold_policy: { max_extensions: 3 } }, before)
  assert.deepEqual({ ...after, artist: 'Zoë', holdPolicy: before.holdPolicy }, before)
  assert.deepEqual([after.artist, after.holdPolicy.hold_seconds, after.holdPolicy.max_extensions], [null, 60, 3])
})

test('times that contradict each other and currencies that do not exist are told together', () => {
  const terms = termsAfter({
    ...given,
    name: '  ',
    currency: 'ZZZ',
    doors_at: '2030-05-01T21:00:00+02:00',
    onsale_at: '2030-05-01T20:00:00+02:00',
  })
  assert.deepEqual(
    termErrors(terms).map(({ path }) => path),
    ['name', 'doors_at', 'onsale_at', 'currency'],
  )
})

test('every category needs one price', () => {
  const levels = readPriceLevels([
    { price_level: 'A', amount: 1 },
    { price_level: ' A ', amount: 2 },
  ])
  assert.deepEqual(priceLevelErrors(levels, new Set(['A', 'B', 'C'])), [
    { path: 'price_levels[1].price_level', message: '"A" is there twice' },
    { path: 'price_levels', message: 'lacks a price for "B"' },
    { path: 'price_levels', message: 'lacks a price for "C"' },
  ])
})

test('names of any script become slugs', () => {
  assert.equal(slugOf('Zoë Märchen: Das große Finale!'), 'zoe-marchen-das-grosse-finale')
  assert.equal(slugOf('Łódź Ærø 2030'), 'lodz-aero-2030')
  assert.equal(slugOf('東京'), 'event')
  assert.match(slugOf('x'.repeat(300)), /^x{80}$/)
})

test('If-Match names a version, any version, or none of ours', () => {
  assert.equal(versionOf('"12.onsale"'), 12)
  assert.equal(versionOf('W/"12.draft"'), 12)
  assert.equal(versionOf('*'), null)
  for (const foreign of ['12', '"abc"', '"12.onsale", "13.onsale"', '']) assert.equal(versionOf(foreign), undefined)
})
