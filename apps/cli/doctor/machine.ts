import { constants } from 'node:fs'
import { access, mkdtemp, open, rm, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '#kernel/clock.ts'
import type { Config } from '#platform/config/config.ts'
import { type Check, fail, ok, warn } from './check.ts'

const gigabyte = 1e9

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 7)) return ok('node', version)
  return fail('node', version, 'Holdfast needs Node 24.7 or later; `npm ci` brings one that `holdfast` uses by itself.')
}

/** Whether it can be written, and how long a flush to its disk takes: no commit is faster than that. */
export async function checkDataFolder(config: Config, clock: Clock): Promise<Check> {
  const folder = resolve(config.HOLDFAST_DATA)
  const existing = await nearestExisting(folder)
  const advice = 'Change its owner, or choose another with HOLDFAST_DATA.'
  try {
    await access(existing, constants.W_OK | constants.X_OK)
    if (existing !== folder) return ok('data folder', `${folder} will be made at the first start`)
    const flushMs = await medianFlushMs(folder, clock)
    const found = `${folder}, a flush takes ${flushMs.toFixed(2)} ms`
    return flushMs < 20
      ? ok('data folder', found)
      : warn('data folder', found, 'Every commit waits for a flush: use a faster disk.')
  } catch (error) {
    return fail('data folder', `${existing} cannot be written (${(error as NodeJS.ErrnoException).code})`, advice)
  }
}

export async function checkDisk(config: Config): Promise<Check> {
  const folder = await nearestExisting(resolve(config.HOLDFAST_DATA))
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const found = `${(free / gigabyte).toFixed(1)} GB free at ${folder}`
  if (free < gigabyte) return fail('disk', found, 'PostgreSQL stops when its disk is full: free at least 6 GB.')
  // The write-ahead log alone may take 4 GB between two checkpoints.
  if (free < 6 * gigabyte) return warn('disk', found, 'Have at least 6 GB free before an on-sale.')
  return ok('disk', found)
}

export async function checkPort(config: Config): Promise<Check> {
  const { HOST, PORT } = config
  const place = `${HOST}:${PORT}`
  if (PORT === 0) return ok('port', 'any free one will be taken')
  const code = await tryToListen(HOST, PORT)
  if (code === null) return ok('port', `${place} is free`)
  if (code === 'EADDRINUSE') {
    if (await answersHealth(HOST, PORT)) return ok('port', `${place} is served by a running Holdfast`)
    return fail('port', `${place} is taken by another program`, `Choose another: PORT=${PORT + 1}.`)
  }
  if (code === 'EACCES') return fail('port', `${place} is not allowed for this user`, 'Choose a port above 1023.')
  return fail(
    'port',
    `${place} cannot be listened on (${code})`,
    'HOST must be an address of this machine, or 0.0.0.0 for all.',
  )
}

async function nearestExisting(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (at === dirname(at) || (await stat(at).catch(() => null))?.isDirectory()) return at
  }
}

async function medianFlushMs(folder: string, clock: Clock): Promise<number> {
  const aside = await mkdtemp(join(folder, '.doctor-'))
  try {
    const file = await open(join(aside, 'flush'), 'w')
    const took: number[] = []
    for (let i = 0; i < 9; i++) {
      await file.write(Buffer.alloc(8192, i), 0, 8192, 0)
      const start = clock.monotonic()
      await file.datasync()
      took.push(clock.monotonic() - start)
    }
    await file.close()
    return took.sort((a, b) => a - b)[4]!
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

/** The code of the error, or null when it worked. */
function tryToListen(host: string, port: number): Promise<string | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(null)))
  })
}

async function answersHealth(host: string, port: number): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host
  try {
    const answer = await fetch(`http://${reachable}:${port}/healthz`, { signal: AbortSignal.timeout(1000) })
    return answer.ok && answer.headers.has('x-request-id')
  } catch {
    // Whatever listens there, it is not ours.
    return false
  }
}
