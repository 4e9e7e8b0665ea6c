import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * A wire to a server, with what a network does to one:
 *
 *   fair      as it should be
 *   slow      every piece arrives late
 *   drip      a few bytes at a time
 *   hole      nothing arrives, and nobody is told: connections that were open then stay silent for ever
 *   gone      connections are cut, new ones refused
 */
export type Weather =
  | { kind: 'fair' | 'hole' | 'gone' }
  | { kind: 'slow'; ms: number }
  | { kind: 'drip'; bytes: number }

/** What becomes of a piece on its way to the server: cut before it arrives, or when its answer comes. */
export type Cut = 'before' | 'after' | null

export type FaultWire = {
  port: number
  be(weather: Weather): void
  /** Cuts all connections. */
  reset(): void
  /** Asked about each piece on its way to the server. */
  watch(look: (bytes: Buffer) => Cut): void
  close(): void
}

const dripMs = 10

/** `isAnswered`: what in the server's bytes says that an answer is complete. */
async function faultWire(
  target: { host: string; port: number },
  { isAnswered = () => true }: { isAnswered?: (bytes: Buffer) => boolean } = {},
): Promise<FaultWire> {
  const wires = new Set<{ cut(): void; isSilent: boolean }>()
  let weather: Weather = { kind: 'fair' }
  let look: (bytes: Buffer) => Cut = () => null

  const listener = createServer(client => {
    if (weather.kind === 'gone') return void client.resetAndDestroy()
    const server = connect({ ...target, noDelay: true })
    client.setNoDelay(true)
    const wire = { cut, isSilent: weather.kind === 'hole' }
    let isDoomed = false
    function cut() {
      wires.delete(wire)
      // A reset, as a lost machine's network sends: nobody may take it for a polite goodbye.
      for (const socket of [client, server]) if (!socket.destroyed) socket.resetAndDestroy()
    }
    wires.add(wire)
    for (const socket of [client, server]) socket.on('error', () => {}).on('close', cut)

    const toServer = lane(server, () => wire.isSilent)
    const toClient = lane(client, () => wire.isSilent)
    client.on('data', bytes => {
      const fate = isDoomed ? null : look(bytes)
      if (fate === 'before') return cut()
      if (fate === 'after') isDoomed = true
      toServer(bytes)
    })
    server.on('data', bytes => {
      if (!isDoomed) toClient(bytes)
      else if (isAnswered(bytes)) cut()
    })
  })

  /** One direction, in order, whatever the weather does meanwhile. */
  function lane(to: Socket, isSilent: () => boolean): (bytes: Buffer) => void {
    let last: Promise<unknown> = Promise.resolve()
    let waiting = 0
    return bytes => {
      if (isSilent()) return
      if (weather.kind === 'fair' && waiting === 0) return void to.write(bytes)
      const met = weather
      const notBefore = performance.now() + (met.kind === 'slow' ? met.ms : 0)
      waiting++
      last = last.then(async () => {
        if (met.kind === 'slow') await wait(Math.max(0, notBefore - performance.now()))
        for (let at = 0; at < bytes.length && !to.destroyed; ) {
          const step = weather.kind === 'drip' ? weather.bytes : bytes.length
          if (!isSilent()) to.write(bytes.subarray(at, at + step))
          at += step
          if (weather.kind === 'drip') await wait(dripMs)
        }
        waiting--
      })
    }
  }

  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const reset = () => {
    for (const wire of [...wires]) wire.cut()
  }
  return {
    port: (listener.address() as { port: number }).port,
    be(next) {
      weather = next
      if (next.kind === 'gone') reset()
      if (next.kind === 'hole') for (const wire of wires) wire.isSilent = true
    },
    reset,
    watch(next) {
      look = next
    },
    close() {
      listener.close()
      reset()
    },
  }
}

/** ReadyForQuery, with which PostgreSQL says that a statement and its commit are over. */
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5])

/** A wire to PostgreSQL, and the address that leads through it. */
export async function wireToPostgres(databaseUrl: string): Promise<FaultWire & { url: string }> {
  const url = new URL(databaseUrl)
  const target = { host: url.hostname, port: Number(url.port) }
  const wire = await faultWire(target, { isAnswered: bytes => bytes.includes(readyForQuery) })
  url.port = String(wire.port)
  return { ...wire, url: url.href }
}
