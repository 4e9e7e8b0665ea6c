import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commandsOf } from '../fenced-blocks.ts'
import { runCommands } from '../run-commands.ts'

// What the pages tell a newcomer to type works, on a server that was started as they start theirs.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const server = startServer()
after(async () => (await server).stop())

for (const path of globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()) {
  const page = await readFile(join(root, path), 'utf8')
  if (commandsOf(page).length > 0)
    test(`the commands of ${path} do what the page says`, async () => {
      const { url } = await server
      assert.ok((await runCommands({ page, path, base: url, cwd: root, timeoutMs: 120_000 })) > 0)
    })
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-pages-'))
  const program = join(root, 'apps/cli/holdfast.mjs')
  const args = [program, 'start', '--json', '--port', '0', '--data', join(folder, 'data')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => child.on('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    child.on('exit', code => reject(new Error(`the server ended with ${code} before it was ready`)))
    // With --json the last line is the report, and it comes when everything serves.
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text
      const report = /^\{.*"url".*\}$/m.exec(output)
      if (report !== null) resolve(JSON.parse(report[0]).url)
    })
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  return { url, stop }
}
