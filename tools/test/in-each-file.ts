import { registerHooks } from 'node:module'
import { after } from 'node:test'
import { isMainThread } from 'node:worker_threads'

// Loaded by the runner into every test file before it. Processes that a test forks inherit it and are left alone.

/** A loaded machine may need a while to drop a database and stop a server. */
const patienceMs = Number(process.env.HOLDFAST_TEST_LEAK_MS ?? 15_000)

const isTestFile = isMainThread && process.argv[1]?.endsWith('.test.ts')
if (isTestFile) {
  pinSeeds()
  after(() => void setTimeout(tellLeak, patienceMs).unref())
}

/** Whoever imports fast-check gets it with the seed of this run. Most files do not, and are spared the 60 ms it takes to load. */
function pinSeeds(): void {
  const pinned = new URL('./pinned-fast-check.ts', import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'fast-check' && context.parentURL !== pinned
        ? { url: pinned, shortCircuit: true }
        : next(specifier, context),
  })
}

/** Reached only if a connection, a timer, a server or a child still keeps the process alive when all its tests have ended. */
function tellLeak(): void {
  const kinds = new Set(process.getActiveResourcesInfo())
  // Standard input and output. When nothing else is left, it is the pipe to a child.
  if (kinds.size > 1) kinds.delete('PipeWrap')
  console.error(`The tests have ended, but the file has left something open: ${[...kinds].join(', ')}.`)
  process.exit(1)
}
