import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#platform/telemetry/logger.ts'
import { startSandboxProcess } from '../sandbox-process.ts'

test('a sandbox that dies comes back where everybody looks for it, even if its port is taken meanwhile', async t => {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-sandbox-'))
  t.after(() => rm(data, { recursive: true, force: true }))
  const told: string[] = []
  const note = (_: object, line: string) => void told.push(line)
  const logger = { warn: note, error: note } as unknown as Logger
  const sandbox = await startSandboxProcess({ data, port: 0, logger })
  t.after(() => sandbox.stop())
  const state = async () => {
    const answer = await fetch(`${sandbox.origin}/sandbox/state`).catch(() => null)
    return answer?.ok ? ((await answer.json()) as { pid: number; publishable_key: string }) : null
  }
  const before = (await state())!
  process.kill(before.pid, 'SIGKILL')
  const stranger = createServer(socket => socket.destroy())
  const { hostname, port } = new URL(sandbox.origin)
  while (!stranger.listening) {
    stranger.listen(Number(port), hostname).once('error', () => {})
    await sleep(10)
  }
  while (!told.some(line => /could not be started again/.test(line))) await sleep(20)
  stranger.close()
  let after = await state()
  while (after === null) {
    await sleep(50)
    after = await state()
  }
  assert.equal(after.publishable_key, before.publishable_key)
  assert.notEqual(after.pid, before.pid)
})
