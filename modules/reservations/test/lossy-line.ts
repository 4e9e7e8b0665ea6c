import { connect, createServer, type Socket } from 'node:net'

/** A line to the database that can be told to swallow the next answer and break. */
export type LossyLine = { url: string; loseNextAnswer(): void; close(): Promise<void> }

export async function lossyLine(to: string): Promise<LossyLine> {
  const target = new URL(to)
  const open = new Set<Socket>()
  let losing = false
  const server = createServer(client => {
    const upstream = connect(Number(target.port), target.hostname)
    client.pipe(upstream)
    upstream.on('data', answer => {
      if (!losing) return client.write(answer)
      losing = false
      client.destroy()
      return upstream.destroy()
    })
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
        open.delete(socket)
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(to)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    loseNextAnswer: () => {
      losing = true
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
