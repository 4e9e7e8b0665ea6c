import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryableFault } from '../faults.ts'
import { gather } from '../gather.ts'

const turn = () => new Promise(setImmediate)

test('whoever comes alone is served at once, whoever comes meanwhile goes together, and not too many at a time', async () => {
  const done: string[][] = []
  const go: (() => void)[] = []
  const ask = gather(
    async (items: readonly string[]) => {
      done.push([...items])
      await new Promise<void>(resolve => go.push(resolve))
      return items.map(item => item.toUpperCase())
    },
    { most: 3 },
  )
  const first = ask('a')
  assert.deepEqual(done, [['a']])
  const others = Promise.all(['b', 'c', 'd', 'e'].map(ask))
  for (let i = 0; i < 3; i++) {
    await turn()
    go.shift()!()
  }
  assert.deepEqual([await first, await others], ['A', ['B', 'C', 'D', 'E']])
  assert.deepEqual(done, [['a'], ['b', 'c', 'd'], ['e']])
})

test('one that is bad fails alone; what passes fails for all, who ask again', async () => {
  let isAway = false
  const ask = gather(
    async (items: readonly number[]) => {
      await turn()
      if (isAway) throw new RetryableFault('away')
      if (items.includes(13)) throw new Error(`no ${items.length}`)
      return items
    },
    { most: 10 },
  )
  const said = await Promise.allSettled([1, 12, 13, 14].map(ask))
  assert.deepEqual(
    said.map(one => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message)),
    [1, 12, 'no 1', 14],
  )
  isAway = true
  const away = await Promise.allSettled([1, 2, 3].map(ask))
  assert.ok(away.every(one => one.status === 'rejected' && one.reason instanceof RetryableFault))
  isAway = false
  assert.equal(await ask(4), 4)
})
