import { connect, createServer, type Socket } from 'node:net'

/** The address of the database for all who use it, whichever server is behind it: what a virtual address is elsewhere. */
export type Forwarder = { port: number; switchTo(port: number): void; close(): void }

export async function openForwarder(first: number): Promise<Forwarder> {
  let target = first
  const sockets = new Set<Socket>()
  const door = createServer(client => {
    const database = connect({ host: '127.0.0.1', port: target, noDelay: true })
    client.setNoDelay(true)
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (door.address() as { port: number }).port,
    switchTo(port) {
      target = port
      cut()
    },
    close() {
      door.close()
      cut()
    },
  }
}
