import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#platform/postgres/embedded/index.ts'
import { stopWithThisProcess } from '#platform/postgres/embedded/watch.ts'
import { type FaultWire, wireToPostgres } from '../../test/harness/fault-wire.ts'
import { type KeptProcess, keepProcess } from './kept-process.ts'
import { worker as workerName } from './schedule.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

/** Two doors and a worker on one database, each over a wire of its own. */
export type BoxOffice = {
  folder: string
  email: string
  password: string
  postgres: EmbeddedPostgres
  doors: readonly Wired[]
  worker: Wired
  /** A sentence where there is none. */
  disk: SmallDisk | string
  close(): Promise<void>
}
export type Wired = { process: KeptProcess; wire: FaultWire }

export async function openBoxOffice(tell: (line: string) => void): Promise<BoxOffice> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-chaos-'))
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const data = join(folder, 'data')
    const disk = await mountSmallDisk(join(data, 'pg'))
    if (typeof disk !== 'string') closing.push(disk.close)
    const watched = { callOff: () => {} }
    const postgres = await startEmbeddedPostgres({
      dataDir: join(data, 'pg'),
      log: line => tell(`  postgres: ${line}`),
      settings: { max_wal_size: '128MB', min_wal_size: '32MB', shared_buffers: '64MB' },
      onRestart: () => watchIt(),
    })
    // Whatever ends this process ends the database too.
    const watchIt = () => {
      watched.callOff()
      watched.callOff = stopWithThisProcess(postgres.pid())
    }
    watchIt()
    closing.push(async () => {
      await postgres.stop()
      watched.callOff()
    })
    postgres.supervise()
    const [email, password] = ['chaos@holdfast.localhost', randomBytes(18).toString('base64url')]
    const open = async (name: string, roles: string): Promise<Wired> => {
      const wire = await wireToPostgres(postgres.url)
      closing.push(wire.close)
      const process = await keepProcess(name, {
        HOLDFAST_DATA: data,
        HOLDFAST_ROLES: roles,
        HOLDFAST_ADMIN_EMAIL: email,
        HOLDFAST_ADMIN_PASSWORD: password,
        HOLDFAST_LOG_LEVEL: 'error',
        HOLDFAST_DRAIN_SECONDS: '2',
        HOLDFAST_DEMO: 'false',
        DATABASE_URL: wire.url,
        PORT: '0',
      })
      closing.push(process.end)
      return { process, wire }
    }
    const doors = [await open('door one', 'api,webhooks'), await open('door two', 'api,webhooks')]
    const worker = await open(workerName, 'worker,relay')
    return { folder: data, email, password, postgres, doors, worker, disk, close }
  } catch (error) {
    await close().catch(() => {}) // the first error is the one to tell
    throw error
  }
}
