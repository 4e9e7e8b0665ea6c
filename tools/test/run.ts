import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { assert } from '#kernel/assert.ts'
import { tellSlowest } from './closing-report.ts'
import { runInTurn } from './run-in-turn.ts'
import { filesMatching, inGroups, needsPostgres, testFiles } from './select-files.ts'

/**
 * Runs the tests below the current folder, each file in a process of its own, with one embedded PostgreSQL for all of them.
 * A file also works alone, `node --test <file>`, with a server and a seed of its own.
 */
const usage = `npm test [-- part of a path …]         the quick tests, or those whose path contains a part
npm run test:slow [-- part of a path …]

  --name <pattern>   only the tests whose name matches
  HOLDFAST_TEST_SEED=<number>   explores other cases than the pinned ones`

type Counts = { tests: number; passed: number; skipped: number; todo: number }

const limits = {
  quick: { testMs: 60_000, fileMs: 120_000 },
  slow: { testMs: 180_000, fileMs: 300_000 },
}

const root = process.cwd()
const { values: options, positionals } = readArguments()
const kind = options.slow ? 'slow' : 'quick'
const files = chooseFiles()

// As good as any other; a run is repeated with what it began with.
process.env.HOLDFAST_TEST_SEED ??= '20261121'
// One folder for all that tests leave behind, so that it can be thrown away.
const folder = await mkdtemp(join(tmpdir(), 'holdfast-tests-'))
process.env.TMPDIR = folder
// The database runs as another account when the tests run as root, and some files are for it to read.
await chmod(folder, 0o711)
const server = files.some(needsPostgres) ? await startServer() : null
try {
  process.exitCode = (await runFiles()) ? 0 : 1
} finally {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { slow: { type: 'boolean' }, name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    return exit(1, `${(error as Error).message}\n\n${usage}`)
  }
}

function chooseFiles(): string[] {
  if (options.help) return exit(0, usage)
  const all = testFiles(root)
  const chosen = filesMatching(all[kind], positionals)
  if (chosen.length > 0) return chosen
  const others = filesMatching(all[kind === 'slow' ? 'quick' : 'slow'], positionals)
  if (positionals.length === 0) return exit(1, 'There are no such tests here.')
  if (others.length === 0) return exit(1, `No test file matches ${positionals.join(' ')}.`)
  const command = kind === 'slow' ? 'npm test' : 'npm run test:slow'
  return exit(1, `Only tests of the other kind match. Run: ${command} -- ${positionals.join(' ')}`)
}

async function startServer(): Promise<{ stop(): Promise<unknown> } | null> {
  if (process.env.HOLDFAST_TEST_POSTGRES !== undefined) return null
  const { startTestPostgres } = await import('#platform/postgres/test-database.ts')
  const started = await startTestPostgres(join(folder, 'pg'))
  process.env.HOLDFAST_TEST_POSTGRES = started.url
  return started
}

async function runFiles(): Promise<boolean> {
  const { testMs, fileMs } = limits[kind]
  const failed = new Set<string>()
  let summary: { success: boolean; counts: Counts } | undefined
  const signal = interrupted()
  const { together, alone } = inGroups(files)
  const groups = [
    { files: together, concurrency: Math.min(4, Math.max(2, availableParallelism())) },
    { files: alone, concurrency: 1 },
  ].filter(group => group.files.length > 0)
  const events = runInTurn(
    groups.map(group => ({
      files: group.files.map(file => join(root, file)),
      concurrency: group.concurrency,
      signal,
      timeout: fileMs,
      execArgv: [`--test-timeout=${testMs}`, '--import', new URL('./in-each-file.ts', import.meta.url).href],
      ...(options.name !== undefined && { testNamePatterns: [options.name] }),
    })),
  )
  async function* noted() {
    for await (const event of events) {
      if (event.type === 'test:fail') failed.add((event.data.file ?? event.data.name).replace(`${root}/`, ''))
      if (event.type === 'test:summary' && event.data.file === undefined) summary = event.data
      yield event
    }
  }
  const output = Readable.from(noted()).compose(tellSlowest(root)).compose(new spec())
  for await (const text of output) process.stdout.write(text)
  assert(summary !== undefined, 'node:test closes with a summary')
  if (!summary.success) tellFailures([...failed], summary.counts)
  return summary.success
}

/** With the seed, a failure of a property comes again; without the other files it comes at once. */
function tellFailures(failed: string[], { tests, passed, skipped, todo }: Counts): void {
  const again = `HOLDFAST_TEST_SEED=${process.env.HOLDFAST_TEST_SEED} npm ${kind === 'slow' ? 'run test:slow' : 'test'} --`
  console.log(`\nRun again what failed:\n${failed.map(file => `  ${again} ${file}\n`).join('')}`)
  // The details of the failures stand between here and the counts of node:test, and who looks at the end looks for these.
  console.log(`ℹ tests ${tests}\nℹ pass ${passed}\nℹ fail ${tests - passed - skipped - todo}`)
}

/** The files under way are ended, and the server after them. A second signal does not wait. */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}

function exit(code: number, text: string): never {
  console.error(text)
  process.exit(code)
}
