import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import { type Database, openDatabase } from './database.ts'
import { startEmbeddedPostgres } from './embedded/index.ts'
import { migrate, migrationsHash } from './migrate.ts'

export type TestDatabase = {
  url: string
  db: Database
  /** Moves this database's clock on by `ms`, for every connection, from the next statement. */
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

/**
 * A database of its own for one test file, cloned from a template that has every migration and a clock that can be moved.
 * `npm test` starts one server for all files and names it in HOLDFAST_TEST_POSTGRES; a file run alone starts its own.
 */
export async function testDatabase(options: { max?: number } = {}): Promise<TestDatabase> {
  const server = await testServer()
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  const name = `test_${randomBytes(6).toString('hex')}`
  try {
    const template = await ensureTemplate(admin, server.url)
    await admin.query(`create database ${name} template ${template}`)
  } finally {
    await admin.end()
  }
  const url = databaseUrl(server.url, name)
  const db = openDatabase({ url, max: options.max ?? 10, name: 'test' })
  const dispose = async () => {
    await db.close()
    const dropper = new pg.Client({ connectionString: server.url })
    await dropper.connect()
    await dropper.query(`drop database if exists ${name} with (force)`)
    await dropper.end()
    await server.release()
  }
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= dispose()
    return closed
  }
  after(close)
  return {
    url,
    db,
    advance: async ms =>
      void (await db.query(`update holdfast.test_clock set skew = skew + $1 * interval '1 millisecond'`, [ms])),
    close,
  }
}

async function testServer(): Promise<{ url: string; release: () => Promise<void> }> {
  const shared = process.env.HOLDFAST_TEST_POSTGRES
  if (shared !== undefined) return { url: shared, release: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const server = await startTestPostgres(join(folder, 'pg'))
  return {
    url: server.url,
    release: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A server for tests: what they judge is never durability, so it does not wait for the disk. */
export function startTestPostgres(dataDir: string) {
  return startEmbeddedPostgres({
    dataDir,
    log: () => {},
    role: 'tests',
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200', shared_buffers: '128MB' },
  })
}

/** Built once per set of migrations, under an advisory lock, because test files start at the same time. */
async function ensureTemplate(admin: pg.Client, url: string): Promise<string> {
  const name = `template_${await migrationsHash()}`
  await admin.query('select pg_advisory_lock(7411)')
  try {
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      const building = `${name}_building`
      await admin.query(`drop database if exists ${building} with (force)`)
      await admin.query(`create database ${building}`)
      await migrate(databaseUrl(url, building))
      await installTestClock(databaseUrl(url, building))
      await admin.query(`alter database ${building} rename to ${name}`)
    }
    return name
  } finally {
    await admin.query('select pg_advisory_unlock(7411)')
  }
}

async function installTestClock(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    create table holdfast.test_clock (skew interval not null);
    insert into holdfast.test_clock values (interval '0');
    create or replace function holdfast.clock() returns timestamptz language sql volatile parallel safe
      as 'select pg_catalog.clock_timestamp() + skew from holdfast.test_clock';
  `)
  await client.end()
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}
