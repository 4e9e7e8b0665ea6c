import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomeUnknown, RetryableFault } from '#kernel/faults.ts'
import { type ManualClock, manualClock } from '#kernel/test/manual-clock.ts'
import { type Commit, createMemoryDatabase } from '../database.ts'
import type { FaultHooks } from '../faults.ts'
import type { MemoryTx } from '../memory-tx.ts'
import { type SeededScheduler, seededScheduler } from '../scheduler.ts'
import { ConstraintViolation, defineTable } from '../table.ts'

type Account = { id: number; owner: string; balance: number; open: boolean }
const accounts = defineTable<Account>({
  name: 'accounts',
  key: row => `${row.id}`,
  unique: { one_open_per_owner: row => (row.open ? row.owner : null) },
  checks: { balance_is_not_negative: row => row.balance >= 0 },
})
const byId = (a: Account, b: Account) => a.id - b.id

/** Gates that tasks wait at, so that a test decides who goes when. */
function gate() {
  let open!: () => void
  const passed = new Promise<void>(resolve => {
    open = resolve
  })
  return { open, passed }
}

async function bank({ clock = manualClock(), faults }: { clock?: ManualClock; faults?: FaultHooks } = {}) {
  const db = createMemoryDatabase({ clock, faults })
  const connection = db.connect('one')
  await createMemoryAccounts(connection.transaction)
  return { db, connection, other: db.connect('two') }
}

async function createMemoryAccounts(
  transaction: ReturnType<ReturnType<typeof createMemoryDatabase>['connect']>['transaction'],
) {
  await transaction('set up', tx =>
    tx.insert(accounts, [
      { id: 1, owner: 'ann', balance: 100, open: true },
      { id: 2, owner: 'bob', balance: 100, open: true },
    ]),
  )
}

const balanceOf = (tx: MemoryTx, id: number) => tx.read('balance', view => view.get(accounts, `${id}`)?.balance)
const add = (tx: MemoryTx, id: number, amount: number) =>
  tx.update(accounts, { keys: [`${id}`], set: row => ({ ...row, balance: row.balance + amount }) })
const turns = () => new Promise(resolve => setImmediate(resolve))

test('a statement sees what was committed when it began, and what its own transaction wrote', async () => {
  const { connection, other } = await bank()
  const written = gate()
  const looked = gate()
  const writer = connection.transaction('write', async tx => {
    await add(tx, 1, 5)
    assert.equal(await balanceOf(tx, 1), 105)
    written.open()
    await looked.passed
  })
  await other.transaction('look', async tx => {
    await written.passed
    assert.equal(await balanceOf(tx, 1), 100)
    looked.open()
    await writer
    assert.equal(await balanceOf(tx, 1), 105)
  })
})

test('a transaction that throws leaves nothing behind', async () => {
  const { db, connection } = await bank()
  await assert.rejects(
    connection.transaction('fail', async tx => {
      await add(tx, 1, 5)
      await tx.insert(accounts, [{ id: 3, owner: 'cid', balance: 1, open: true }])
      await tx.remove(accounts, { keys: ['2'] })
      throw new Error('no')
    }),
    /no/,
  )
  assert.deepEqual(
    db.rows(accounts).map(row => row.balance),
    [100, 100],
  )
})

test('who waits for a row judges it as it has become', async () => {
  const { db, connection, other } = await bank()
  const locked = gate()
  const release = gate()
  const first = connection.transaction('close', async tx => {
    await tx.update(accounts, { keys: ['1'], set: row => ({ ...row, open: false }) })
    locked.open()
    await release.passed
  })
  await locked.passed
  const second = other.transaction('add to open accounts', tx =>
    tx.update(accounts, { where: row => row.open, order: byId, set: row => ({ ...row, balance: row.balance + 1 }) }),
  )
  release.open()
  await first
  assert.deepEqual(
    (await second).map(row => row.id),
    [2],
  )
  assert.deepEqual(
    db.rows(accounts).map(row => row.balance),
    [100, 101],
  )
})

test('skipping locked rows takes the others at once', async () => {
  const { connection, other } = await bank()
  const locked = gate()
  const release = gate()
  const first = connection.transaction('hold', async tx => {
    await tx.lock(accounts, { keys: ['1'] })
    locked.open()
    await release.passed
  })
  await locked.passed
  const rows = await other.transaction('skip', tx => tx.lock(accounts, { order: byId, skipLocked: true }))
  assert.deepEqual(
    rows.map(row => row.id),
    [2],
  )
  release.open()
  await first
})

test('a limit counts the rows that could be locked', async () => {
  const { connection } = await bank()
  const rows = await connection.transaction('limit', tx => tx.lock(accounts, { order: byId, limit: 1 }))
  assert.deepEqual(
    rows.map(row => row.id),
    [1],
  )
})

for (const commits of [true, false])
  test(`a unique value waits for whoever has it unfinished, ${commits ? 'and is refused' : 'and is free when that is undone'}`, async () => {
    const { db, connection, other } = await bank()
    const inserted = gate()
    const decide = gate()
    const first = connection.transaction('first', async tx => {
      await tx.insert(accounts, [{ id: 3, owner: 'cid', balance: 1, open: true }])
      inserted.open()
      await decide.passed
      if (!commits) throw new Error('undone')
    })
    first.catch(() => {})
    await inserted.passed
    const second = other.transaction('second', tx =>
      tx.insert(accounts, [{ id: 4, owner: 'cid', balance: 2, open: true }], { onConflict: 'nothing' }),
    )
    await turns()
    assert.equal(db.rows(accounts).length, 2)
    decide.open()
    await first.catch(() => {})
    assert.equal((await second).length, commits ? 0 : 1)
    assert.deepEqual(
      db.rows(accounts).map(row => row.id),
      commits ? [1, 2, 3] : [1, 2, 4],
    )
  })

test('a partial unique index knows only the rows it is about', async () => {
  const { connection } = await bank()
  await connection.transaction('closed ones may share', tx =>
    tx.insert(accounts, [
      { id: 3, owner: 'ann', balance: 1, open: false },
      { id: 4, owner: 'ann', balance: 1, open: false },
    ]),
  )
  await assert.rejects(
    connection.transaction('open ones may not', tx =>
      tx.update(accounts, { keys: ['3'], set: row => ({ ...row, open: true }) }),
    ),
    (error: ConstraintViolation) => error.constraint === 'one_open_per_owner',
  )
  await connection.transaction('one gives the value up, another takes it', async tx => {
    await tx.update(accounts, { keys: ['1'], set: row => ({ ...row, open: false }) })
    await tx.update(accounts, { keys: ['3'], set: row => ({ ...row, open: true }) })
  })
})

test('a row that meets a unique value twice in one transaction is refused the second time', async () => {
  const { connection } = await bank()
  const row = { id: 3, owner: 'cid', balance: 1, open: true }
  await assert.rejects(
    connection.transaction('twice', tx => tx.insert(accounts, [row, { ...row, id: 4 }])),
    ConstraintViolation,
  )
  const made = await connection.transaction('nothing', tx =>
    tx.insert(accounts, [row, { ...row, id: 4 }, { ...row, owner: 'dan' }], { onConflict: 'nothing' }),
  )
  assert.deepEqual(
    made.map(({ id, owner }) => [id, owner]),
    [[3, 'cid']],
  )
})

test('a check stops a row that breaks it', async () => {
  const { connection } = await bank()
  await assert.rejects(
    connection.transaction('overdraw', tx => add(tx, 1, -101)),
    (error: ConstraintViolation) => error.constraint === 'balance_is_not_negative',
  )
})

test('two that wait for each other: one is undone and runs again', async () => {
  const { db, connection, other } = await bank()
  const gates = [gate(), gate()]
  let attempts = 0
  const transfer = (from: number, to: number, own: number) => async (tx: MemoryTx) => {
    attempts++
    await add(tx, from, -10)
    gates[own]!.open()
    await gates[1 - own]!.passed
    await add(tx, to, 10)
  }
  await Promise.all([connection.transaction('one', transfer(1, 2, 0)), other.transaction('two', transfer(2, 1, 1))])
  assert.equal(attempts, 3)
  assert.deepEqual(
    db.rows(accounts).map(row => row.balance),
    [100, 100],
  )
})

test('a lock that does not come in time is a retryable fault, after three attempts', async () => {
  const clock = manualClock()
  const { connection, other } = await bank({ clock })
  const locked = gate()
  const release = gate()
  const holder = connection.transaction('hold', async tx => {
    await add(tx, 1, 1)
    locked.open()
    await release.passed
  })
  await locked.passed
  const waiting = other.transaction('wait', tx => add(tx, 1, 1), { lockTimeoutMs: 500 })
  const refused = assert.rejects(waiting, RetryableFault)
  for (let i = 0; i < 3; i++) {
    await turns()
    clock.advance(500)
  }
  await refused
  release.open()
  await holder
})

test('a lost answer is unknown to the caller, whether the commit happened or not', async () => {
  for (const [fate, balance] of [
    ['lose-answer', 105],
    ['lose-request', 100],
  ] as const) {
    const { db, connection } = await bank({
      faults: { onCommit: ({ transaction }) => (transaction === 'add' ? fate : 'commit') },
    })
    await assert.rejects(
      connection.transaction('add', tx => add(tx, 1, 5)),
      OutcomeUnknown,
    )
    assert.equal(db.rows(accounts)[0]!.balance, balance)
  }
})

test('whoever watches sees what was committed, as it was before and is now, and nothing of what was undone', async () => {
  const seen: Commit[] = []
  const db = createMemoryDatabase({
    clock: manualClock(),
    faults: { onCommit: ({ transaction }) => (transaction === 'refused' ? 'abort' : 'commit') },
    onCommitted(commit) {
      seen.push(commit)
      // As others see it from now on.
      for (const { after } of commit.changes)
        if (after !== null) assert.ok(db.rows(accounts).includes(after as Account))
    },
  })
  const connection = db.connect('one')
  await createMemoryAccounts(connection.transaction)
  await connection.transaction('add', tx => add(tx, 1, 5))
  await assert.rejects(connection.transaction('refused', tx => add(tx, 1, 5)))
  await connection.transaction('look', tx => balanceOf(tx, 1))
  await connection.transaction('remove', tx => tx.remove(accounts, { keys: ['2'] }))
  assert.deepEqual(
    seen.map(({ transaction }) => transaction),
    ['set up', 'add', 'remove'],
  )
  const balances = seen.map(({ changes }) =>
    changes.map(({ before, after }) => [(before as Account)?.balance, (after as Account)?.balance]),
  )
  assert.deepEqual(balances, [
    [
      [undefined, 100],
      [undefined, 100],
    ],
    [[100, 105]],
    [[100, undefined]],
  ])
})

test('a fault before a statement undoes the transaction', async () => {
  const { db, connection } = await bank({
    faults: {
      onStatement({ transaction, statement }) {
        if (transaction === 'add twice' && statement === 'read balance') throw new RetryableFault('hurt')
      },
    },
  })
  await assert.rejects(
    connection.transaction('add twice', async tx => {
      await add(tx, 1, 5)
      await balanceOf(tx, 1)
    }),
    RetryableFault,
  )
  assert.equal(db.rows(accounts)[0]!.balance, 100)
})

test('a cut connection gives its locks back and wakes whoever waited on it', async () => {
  const { db, connection, other } = await bank()
  const locked = gate()
  const holder = connection.transaction('hold', async tx => {
    await add(tx, 1, 50)
    locked.open()
    await new Promise(() => {})
  })
  holder.catch(() => {})
  await locked.passed
  const waiting = other.transaction('wait', tx => add(tx, 1, 1))
  await turns()
  connection.cut()
  await waiting
  assert.equal(db.rows(accounts)[0]!.balance, 101)
})

test('a connection cut while it waits for a lock is told so', async () => {
  const { db, connection, other } = await bank()
  const locked = gate()
  const release = gate()
  const holder = connection.transaction('hold', async tx => {
    await add(tx, 1, 50)
    locked.open()
    await release.passed
  })
  await locked.passed
  const waiting = assert.rejects(
    other.transaction('wait', tx => add(tx, 1, 1)),
    RetryableFault,
  )
  await turns()
  other.cut()
  await waiting
  release.open()
  await holder
  assert.equal(db.rows(accounts)[0]!.balance, 150)
})

test('a saved state comes back', async () => {
  const { db, connection } = await bank()
  const state = db.save()
  await connection.transaction('add', tx => add(tx, 1, 5))
  db.restore(state)
  await connection.transaction('add', tx => add(tx, 1, 1))
  db.restore(state)
  assert.equal(db.rows(accounts)[0]!.balance, 100)
})

test('the same seed is the same run, another seed another one', async () => {
  assert.deepEqual(await deposits(7, 'by expression'), await deposits(7, 'by expression'))
  assert.notDeepEqual((await deposits(7, 'by expression')).trace, (await deposits(8, 'by expression')).trace)
})

test('under every order of steps an update by expression counts everybody', async () => {
  for (let seed = 0; seed < 50; seed++) assert.equal((await deposits(seed, 'by expression')).balance, 105)
})

test('negative control: read, add, write loses a deposit under some order', async () => {
  const balances = new Set<number>()
  for (let seed = 0; seed < 50; seed++) balances.add((await deposits(seed, 'read, then write')).balance)
  assert.ok(
    [...balances].some(balance => balance < 105),
    'the scheduler finds the order that loses',
  )
})

/** Five deposits of one at once, in an order chosen by the seed. */
async function deposits(seed: number, how: 'by expression' | 'read, then write') {
  const scheduler: SeededScheduler = seededScheduler(lehmer(seed))
  const db = createMemoryDatabase({ clock: manualClock(), scheduler })
  await scheduler.run([() => createMemoryAccounts(db.connect('set up').transaction)])
  const deposit = async (tx: MemoryTx) => {
    if (how === 'by expression') return add(tx, 1, 1)
    const balance = (await balanceOf(tx, 1))!
    return tx.update(accounts, { keys: ['1'], set: row => ({ ...row, balance: balance + 1 }) })
  }
  const connections = Array.from({ length: 5 }, (_, i) => db.connect(`c${i}`))
  await scheduler.run(connections.map(connection => () => connection.transaction('deposit', deposit)))
  return { balance: db.rows(accounts)[0]!.balance, trace: scheduler.trace }
}

function lehmer(seed: number): () => number {
  let state = (seed * 7919 + 1) % 2147483647
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}
