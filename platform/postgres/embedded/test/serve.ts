import { startEmbeddedPostgres } from '../index.ts'

/**
 * A process of its own that starts the server of a folder, prints one line of JSON about it, and stops it when its input
 * ends: `node serve.ts <dataDir>`.
 */
try {
  const server = await startEmbeddedPostgres({ dataDir: process.argv[2]!, log: () => {}, role: 'tests' })
  console.log(JSON.stringify({ url: server.url, adopted: server.adopted, pid: server.pid() }))
  for await (const _ of process.stdin);
  await server.stop()
} catch (error) {
  console.log(JSON.stringify({ problem: (error as { problem?: string }).problem, message: (error as Error).message }))
}
