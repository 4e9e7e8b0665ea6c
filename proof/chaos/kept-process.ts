import { setTimeout as sleep } from 'node:timers/promises'
import { send } from '../../test/harness/process-tree.ts'
import { type ServerProcess, startServerProcess } from '../../test/harness/server-process.ts'

/** A process of the box office that is started again at once whenever it ends, as systemd does. */
export type KeptProcess = {
  name: string
  url: string
  /** Resolves once it is up: one that is down cannot be hurt. */
  kill(): Promise<void>
  /** Stands still until the returned function is called. */
  stop(): Promise<() => void>
  /** How often it ended although nobody killed it, and the last words of each time. */
  deaths(): readonly string[]
  end(): Promise<void>
}

const pauseMs = 250
/** Longer than the longest fault under which it cannot start. */
const startMsMax = 90_000
const endMsMax = 8000

export async function keepProcess(name: string, env: Record<string, string>): Promise<KeptProcess> {
  let current: ServerProcess | null = await startServerProcess(env)
  const { url } = current
  let isKilled = false
  let isOver = false
  const deaths: string[] = []
  const keeping = keep()

  async function keep(): Promise<void> {
    for (;;) {
      const { code, signal } = await current!.ended
      const words = current!.said().slice(-2000)
      current = null
      if (isOver) return
      if (!isKilled) deaths.push(`${name} ended with ${code ?? signal}: ${words}`)
      isKilled = false
      const since = performance.now()
      let isTold = false
      while (current === null && !isOver)
        current = await startServerProcess({ ...env, PORT: new URL(url).port }).catch(async error => {
          // Without its database it cannot start; it is tried until it can.
          if (!isTold && performance.now() - since > startMsMax) {
            isTold = true
            deaths.push(`${name} does not start again: ${(error as Error).message.slice(-2000)}`)
          }
          await sleep(pauseMs)
          return null
        })
      if (current === null) return
    }
  }

  /** Null when all is over. */
  async function up(): Promise<ServerProcess | null> {
    while (current === null && !isOver) await sleep(50)
    return current
  }

  return {
    name,
    url,
    deaths: () => deaths,
    async kill() {
      const victim = await up()
      if (victim === null) return
      isKilled = true
      send('SIGKILL', victim.pid)
    },
    async stop() {
      const victim = await up()
      if (victim === null) return () => {}
      send('SIGSTOP', victim.pid)
      return () => {
        if (victim === current) send('SIGCONT', victim.pid)
      }
    },
    async end() {
      isOver = true
      const last = current
      if (last !== null) {
        send('SIGCONT', last.pid)
        const late = setTimeout(() => void last.end('SIGKILL'), endMsMax)
        await last.end('SIGTERM')
        clearTimeout(late)
      }
      await keeping
      // One that became ready in this very moment.
      await (current as ServerProcess | null)?.end('SIGTERM')
    },
  }
}
