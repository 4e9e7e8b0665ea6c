import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { testDatabase } from '#platform/postgres/test-database.ts'
import {
  acceptPromotion,
  closeFence,
  noteHistory,
  noteRestore,
  noteSynchronous,
  openFence,
  readFence,
} from '#sale-control'

const { db } = await testDatabase({ max: 2 })

/** As it is when another server took over: the row speaks of a timeline that is not this one. */
const promote = () => db.query(`update holdfast.sales_fence set timeline = '0000007F'`)

beforeEach(() => openFence(db))

test('the fence is closed in a history that it does not know, before anybody has noticed', async () => {
  assert.equal((await readFence(db)).closed, false)
  await promote()
  assert.equal((await readFence(db)).closed, true)
})

test('without the comparison of timelines sales would go on after a promotion', async () => {
  await promote()
  const { rows } = await db.query<{ text: string }>(`select pg_get_functiondef('holdfast.sales_gate'::regproc) as text`)
  const guarded = rows[0]!.text
  const bare = guarded.replace('f.closed or f.timeline is distinct from holdfast.timeline()', 'f.closed')
  assert.notEqual(bare, guarded)
  await db.query(bare)
  try {
    assert.equal((await readFence(db)).closed, false, 'the harm')
  } finally {
    await db.query(guarded)
  }
  assert.equal((await readFence(db)).closed, true)
})

test('another history is written down once, with a new epoch', async () => {
  const { epoch } = await readFence(db)
  assert.equal(await noteHistory(db, 'restored'), null, 'nothing happened')
  await promote()
  assert.equal(await noteHistory(db, 'restored'), 'restored')
  assert.equal(await noteHistory(db, 'restored again'), null)
  const fence = await readFence(db)
  assert.deepEqual([fence.closed, fence.reason, fence.epoch], [true, 'restored', epoch + 1])
  assert.notEqual(fence.known_until, null)
})

test('only a standby that was waited for goes on by itself', async () => {
  await promote()
  assert.equal(await acceptPromotion(db), false)
  assert.equal((await readFence(db)).closed, true)
  await openFence(db)
  await noteSynchronous(db, true)
  await promote()
  await noteHistory(db, 'promoted')
  assert.equal(await acceptPromotion(db), true)
  assert.equal((await readFence(db)).closed, false)
  assert.equal((await readFence(db)).synchronous, false, 'it has no standby of its own')
})

test('a copy of a record that had a standby is none', async () => {
  await noteSynchronous(db, true)
  await promote()
  await noteRestore(db, 'noon')
  const { reason, restored } = await readFence(db)
  assert.deepEqual([reason, restored], ['restored to noon', true])
  assert.equal(await acceptPromotion(db), false)
  assert.equal((await readFence(db)).closed, true)
  await closeFence(db, 'and an audit does not balance')
  assert.equal((await readFence(db)).restored, true, 'whatever is said of it since')
  await openFence(db)
  assert.equal((await readFence(db)).restored, false)
})

test('what a person closed no promotion opens', async () => {
  await noteSynchronous(db, true)
  await closeFence(db, 'an audit does not balance')
  await promote()
  // As the job does that watches the history.
  await noteHistory(db, 'promoted')
  assert.equal(await acceptPromotion(db), false)
  const { closed, reason } = await readFence(db)
  assert.deepEqual([closed, reason], [true, 'an audit does not balance; promoted'])
})
