import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startTestPostgres } from '#platform/postgres/test-database.ts'

/** Runs `work` on an empty database, on the server of the tests if they run, else on one of its own. */
export async function onFreshDatabase<T>(work: (url: string) => Promise<T>): Promise<T> {
  const shared = process.env.HOLDFAST_TEST_POSTGRES
  if (shared !== undefined) return onDatabaseOf(shared, work)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-schema-'))
  const server = await startTestPostgres(join(folder, 'pg'))
  try {
    return await onDatabaseOf(server.url, work)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function onDatabaseOf<T>(server: string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `fresh_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  try {
    await admin.query(`create database ${name} template template0`)
    const url = new URL(server)
    url.pathname = `/${name}`
    return await work(url.href)
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
}
