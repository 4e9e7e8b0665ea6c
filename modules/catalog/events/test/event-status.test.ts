import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  allowedActions,
  eventStatuses,
  saleActions,
  statusAt,
  transitionOf,
  untilStatusChanges,
} from '../event-status.ts'

test('each status allows exactly the actions that make sense from it', () => {
  const allowed = Object.fromEntries(eventStatuses.map(status => [status, allowedActions(status)]))
  assert.deepEqual(allowed, {
    draft: ['schedule', 'open'],
    scheduled: ['schedule', 'open', 'close'],
    onsale: ['pause', 'close'],
    paused: ['resume', 'close'],
    ended: [],
    cancelled: [],
  })
})

test('nothing leads back to draft, and what has ended stays so', () => {
  for (const action of saleActions) {
    assert.notEqual(transitionOf(action).to, 'draft')
    assert.ok(!transitionOf(action).from.includes('ended'))
    assert.ok(!transitionOf(action).from.includes('cancelled'))
  }
})

test('a scheduled event is on sale from its moment on, and only a scheduled one', () => {
  assert.equal(statusAt({ status: 'scheduled', onsaleAt: 1000 }, 999), 'scheduled')
  assert.equal(statusAt({ status: 'scheduled', onsaleAt: 1000 }, 1000), 'onsale')
  assert.equal(statusAt({ status: 'draft', onsaleAt: 1000 }, 2000), 'draft')
  assert.equal(statusAt({ status: 'paused', onsaleAt: 1000 }, 2000), 'paused')
})

test('only a coming sale changes the status by itself', () => {
  assert.equal(untilStatusChanges({ status: 'scheduled', onsaleAt: 1500 }, 1000), 500)
  assert.equal(untilStatusChanges({ status: 'scheduled', onsaleAt: 1500 }, 1500), null)
  assert.equal(untilStatusChanges({ status: 'onsale', onsaleAt: 1500 }, 1000), null)
})
