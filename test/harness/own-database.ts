import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Database, openDatabase } from '#platform/postgres/database.ts'
import { createFront, type Front } from './installation.ts'
import { childrenOf, isAlive, send } from './process-tree.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** An installation as `npm start` makes it: the server brings its database, which waits for the disk. */
export type OwnDatabase = Front & {
  start(env?: Record<string, string>): Promise<ServerProcess>
  /** The record, without the server; wherever it is now, since a new start may choose another port. */
  db: Pick<Database, 'query' | 'transaction'>
  /** The first process of PostgreSQL; null when none serves the folder. */
  postmaster(): Promise<number | null>
  /** Kills PostgreSQL and all of its processes at once, as a machine that goes down does. */
  killPostgres(): Promise<void>
  /** Stands still with all of its processes until the returned function is called. */
  freezePostgres(): Promise<() => void>
  /** What PostgreSQL wrote into its logs. */
  postgresLog(): Promise<string>
}

export async function ownDatabase(): Promise<OwnDatabase> {
  const servers: ServerProcess[] = []
  let opened: { port: string; database: Database } | null = null
  // Before the folder has its own, which removes it.
  after(async () => {
    await opened?.database.close()
    for (const server of servers) await server.end('SIGTERM')
    // A test that failed half-way may have killed the one who would have stopped it.
    const left = await postmaster()
    if (left !== null) process.kill(left, 'SIGQUIT')
    while (left !== null && (await isAlive(left)));
  })
  const front = await createFront()
  const data = front.env.HOLDFAST_DATA!
  const cluster = join(data, 'pg/cluster')

  async function pidFile(): Promise<string[]> {
    return (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  }

  async function postmaster(): Promise<number | null> {
    const pid = Number((await pidFile())[0])
    return pid > 0 && (await isAlive(pid)) ? pid : null
  }

  async function record(): Promise<Database> {
    const port = (await pidFile())[3]!
    if (opened?.port === port) return opened.database
    await opened?.database.close()
    const password = (await readFile(join(data, 'keys/postgres-password'), 'utf8')).trim()
    const url = `postgres://holdfast:${password}@127.0.0.1:${port}/holdfast`
    opened = { port, database: openDatabase({ url, max: 4, name: 'test' }) }
    return opened.database
  }

  return {
    ...front,
    postmaster,
    db: {
      query: async (statement, values) => (await record()).query(statement, values),
      transaction: async work => (await record()).transaction(work),
    },
    async start(env = {}) {
      const server = await startServerProcess({ ...front.env, ...env })
      servers.push(server)
      return server
    },
    async killPostgres() {
      const pid = (await postmaster())!
      for (const victim of [pid, ...(await childrenOf(pid))]) send('SIGKILL', victim)
      while (await isAlive(pid));
    },
    async freezePostgres() {
      const pid = (await postmaster())!
      send('SIGSTOP', pid)
      const all = [pid, ...(await childrenOf(pid))]
      for (const one of all) send('SIGSTOP', one)
      return () => {
        for (const one of all) send('SIGCONT', one)
      }
    },
    async postgresLog() {
      const folder = join(cluster, 'log')
      const files = (await readdir(folder)).sort()
      return (await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))).join('')
    },
  }
}
