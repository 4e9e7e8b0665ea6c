import { connect, createServer } from 'node:net'
import { after } from 'node:test'

/** A wire to a server that delivers every question and breaks when the answer comes. */
export async function answerSwallower(serverUrl: string): Promise<{ url: string; swallowed(): number }> {
  const { hostname, port } = new URL(serverUrl)
  let swallowed = 0
  const wires = createServer(client => {
    const server = connect({ host: hostname, port: Number(port), noDelay: true })
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('data', bytes => server.write(bytes))
    client.on('close', () => server.destroy())
    server.once('data', () => {
      swallowed++
      for (const socket of [client, server]) socket.destroy()
    })
  })
  await new Promise<void>(resolve => wires.listen(0, '127.0.0.1', resolve))
  after(() => wires.close())
  return { url: `http://127.0.0.1:${(wires.address() as { port: number }).port}`, swallowed: () => swallowed }
}
