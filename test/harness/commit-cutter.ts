import { connect, createServer, type Socket } from 'node:net'
import { after } from 'node:test'

/**
 * A wire to PostgreSQL that can be cut in the worst moment. Watches for batches of holds on their way to the database:
 *
 *   before    the batch never arrives
 *   after     the batch is committed, and its answer is not delivered
 *
 * Either way the server sees a connection that broke while it was committing, and cannot tell which it was.
 */
export type CommitCutter = {
  /** For DATABASE_URL. */
  url: string
  /** Cuts the next `times` batches. */
  cut(when: 'before' | 'after', times: number): void
  /** How many were cut so far. */
  cuts(): number
}

/** The prepared statement of a batch, named in every message that runs it. */
const batch = Buffer.from('hold_batch')
/** ReadyForQuery, with which PostgreSQL says that a statement and its commit are over. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5])

export async function commitCutter(databaseUrl: string): Promise<CommitCutter> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let plan: { when: 'before' | 'after'; times: number } = { when: 'before', times: 0 }
  let cuts = 0

  const wires = createServer(client => {
    const database = connect({ host: target.hostname, port: Number(target.port), noDelay: true })
    client.setNoDelay(true)
    let isDoomed = false
    const cut = () => {
      for (const socket of [client, database]) socket.destroy()
    }
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    client.on('data', bytes => {
      if (!isDoomed && plan.times > 0 && bytes.includes(batch)) {
        plan.times--
        cuts++
        if (plan.when === 'before') return cut()
        isDoomed = true
      }
      database.write(bytes)
    })
    database.on('data', bytes => {
      if (!isDoomed) client.write(bytes)
      else if (bytes.includes(readyForQuery)) cut()
    })
  })
  await new Promise<void>(resolve => wires.listen(0, '127.0.0.1', resolve))
  after(() => {
    wires.close()
    for (const socket of sockets) socket.destroy()
  })

  const url = new URL(target)
  url.port = String((wires.address() as { port: number }).port)
  return {
    url: url.href,
    cut: (when, times) => {
      plan = { when, times }
    },
    cuts: () => cuts,
  }
}
