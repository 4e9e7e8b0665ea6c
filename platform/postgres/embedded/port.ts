import { createServer } from 'node:net'
import { assert } from '#kernel/assert.ts'
import { systemRandom } from '#kernel/random.ts'

/**
 * A free port of the loopback interface, below the range from which systems take the ports of outgoing connections (Linux
 * from 32768, macOS from 49152): while a killed server is down, no client's connection may end up on its port.
 */
export async function freePort(preferred: number | null = null): Promise<number> {
  if (preferred !== null && (await isFree(preferred))) return preferred
  const random = systemRandom()
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(random.fraction() * 12_000)
    if (await isFree(port)) return port
  }
  assert(false, 'of 12,000 ports some are free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
