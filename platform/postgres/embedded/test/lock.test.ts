import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { withLock } from '../lock.ts'

async function lockFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'lock')
}

test('one holder at a time, and the next when the first is done', async t => {
  const file = await lockFile(t)
  const order: string[] = []
  const release = Promise.withResolvers<void>()
  const first = withLock(file, async () => {
    order.push('first in')
    await release.promise
    order.push('first out')
  })
  const second = withLock(file, async () => order.push('second in'))
  await assert.rejects(
    withLock(file, async () => assert.fail('must not enter'), { waitSeconds: 0.05 }),
    { problem: 'lock-not-obtained' },
  )
  release.resolve()
  await Promise.all([first, second])
  assert.deepEqual(order, ['first in', 'first out', 'second in'])
})

test('a failed holder lets go', async t => {
  const file = await lockFile(t)
  await assert.rejects(
    withLock(file, async () => {
      throw new Error('failed')
    }),
    /failed/,
  )
  assert.equal(await withLock(file, async () => 'entered'), 'entered')
})

test('the lock of another process holds, and ends when that process is killed', async t => {
  const file = await lockFile(t)
  const script = `
    const { withLock } = await import(${JSON.stringify(new URL('../lock.ts', import.meta.url).href)})
    await withLock(${JSON.stringify(file)}, () => (console.log('holding'), new Promise(done => setTimeout(done, 1e6))))`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  await assert.rejects(
    withLock(file, async () => assert.fail('must not enter'), { waitSeconds: 0.05 }),
    { problem: 'lock-not-obtained' },
  )
  const next = withLock(file, async () => 'entered')
  holder.kill('SIGKILL')
  assert.equal(await next, 'entered')
})
