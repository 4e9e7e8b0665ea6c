import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commandsOf } from '../fenced-blocks.ts'
import { runCommands } from '../run-commands.ts'

// What the pages tell a newcomer to type works, on a server that was started as they start theirs.

const root = fileURLToPath(new URL('../../../', import.meta.url))
// The server makes its administrator with it, and a page that signs in finds it where it told the reader to put theirs.
process.env.HOLDFAST_ADMIN_PASSWORD = 'a sentence for those who read pages'
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  .sort()
  .map(path => ({ path, page: readFileSync(join(root, path), 'utf8') }))
  .filter(({ page }) => commandsOf(page).length > 0)

test('the commands of pages do what the pages say', async t => {
  assert.notEqual(pages.length, 0, 'a page has commands')
  const url = await startServer(t)
  for (const { path, page } of pages)
    await t.test(path, async () => {
      await runCommands({ page, path, base: url, cwd: root, timeoutMs: 60_000 })
    })
})

/** Ready with the demo events; stopped after the test. */
async function startServer(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-pages-'))
  const program = join(root, 'apps/cli/holdfast.mjs')
  const args = [program, 'start', '--json', '--port', '0', '--data', join(folder, 'data')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  t.after(async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  return new Promise((resolve, reject) => {
    child.on('exit', code => reject(new Error(`the server ended with ${code} before it was ready`)))
    // With --json the last line is the report, and it comes when everything serves.
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text
      const report = /^\{.*"url".*\}$/m.exec(output)
      if (report !== null) resolve(JSON.parse(report[0]).url)
    })
  })
}
