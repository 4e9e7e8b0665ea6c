import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../run.ts', import.meta.url))

test('a few faults of a seed that is pinned: nothing that was acknowledged is lost, no seat is sold twice, and it serves again', async () => {
  const run = await new Promise<{ code: number; stdout: string; stderr: string }>(resolve =>
    execFile(
      process.execPath,
      [program, '--minutes', '0.2', '--seed', '4', '--rate', '10', '--json'],
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    ),
  )
  const report = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}')
  assert.equal(run.code, 0, `${JSON.stringify(report)}\n${run.stderr}`)
  const faults = Object.values(report.faults as Record<string, number>).reduce((sum, n) => sum + n, 0)
  assert.ok(faults >= 3, `${faults} faults`)
  assert.ok(report.acknowledged > 50, `${report.acknowledged} acknowledged`)
  assert.equal(report.acknowledged_lost, 0)
  assert.equal(report.oversold, 0)
  assert.equal(report.balanced, true)
})
