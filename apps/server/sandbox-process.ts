import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock as clock } from '#kernel/clock.ts'
import { type LivingSandbox, liveSecrets, livingSandbox, readCredentials, type SandboxCredentials } from '#payments'
import type { Logger } from '#platform/telemetry/logger.ts'

const program = fileURLToPath(new URL('../cli/holdfast.mjs', import.meta.url))
const startMs = 15_000
const restartPauseMs = 500

export type SandboxProcess = {
  origin: string
  credentials: SandboxCredentials
  /** Those that sign webhooks now; they may have been changed since the start. */
  webhookSecrets(): readonly string[]
  setWebhookUrl(url: string): Promise<void>
  stop(): Promise<void>
}

/**
 * The payment sandbox as a process of its own, as a provider is: killing the server does not kill it. Uses the one that lives on this
 * folder already, whoever started it; otherwise starts one, and again when it dies.
 */
export async function startSandboxProcess(options: {
  /** HOLDFAST_DATA. */
  data: string
  port: number
  logger: Logger
}): Promise<SandboxProcess> {
  const { data, port, logger } = options
  const folder = join(data, 'sandbox')
  let child: ChildProcess | null = null
  let isStopping = false
  /** One that a server started which is gone: ours to stop now. One that a person started is theirs. */
  let orphan: number | null = null
  const stopping = new AbortController()

  async function start(at: number): Promise<string> {
    // A group of its own: Ctrl-C at the terminal reaches the server, which still has payments under way.
    const asked = ['sandbox', '--data', data, '--port', String(at), '--json', '--supervised']
    const started = spawn(process.execPath, [program, ...asked], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {},
    })
    child = started
    // One that never became ready is its caller's to deal with.
    let isReady = false
    started.once('exit', code => {
      child = null
      if (isStopping || !isReady) return
      logger.warn({ code }, 'the payment sandbox has died and is started again')
      void clock.sleep(restartPauseMs).then(restart)
    })
    const said = JSON.parse(await firstLine(started)) as { origin?: string; error?: string }
    if (said.origin === undefined) throw new Error(`the payment sandbox does not start: ${said.error}`)
    isReady = true
    return said.origin
  }

  /** Another server on this folder may be faster: then its sandbox is ours too. */
  async function startOrAdopt(at: number): Promise<string> {
    try {
      return await start(at)
    } catch (error) {
      const faster = await livingSandbox(folder)
      if (faster === null) throw error
      return adopt(faster)
    }
  }

  /** Where everybody looks for it: at another port it would be alive and lost. Until somebody else leaves that, it is tried again. */
  async function restart(): Promise<void> {
    if (isStopping) return
    await startOrAdopt(Number(new URL(origin).port)).catch(error => {
      logger.error({ err: (error as Error).message }, 'the payment sandbox could not be started again')
      return clock.sleep(2000).then(restart)
    })
  }

  function adopt(sandbox: LivingSandbox): string {
    orphan = sandbox.supervised ? sandbox.pid : null
    void watchAdopted()
    return sandbox.origin
  }

  const living = await livingSandbox(folder)
  const origin = living === null ? await startOrAdopt(port) : adopt(living)
  const credentials = await readCredentials(folder)
  let secrets = liveSecrets(credentials!, clock.now())
  let readAt = clock.monotonic()

  /** Not our child, so nobody tells us that it died. */
  async function watchAdopted(): Promise<void> {
    for (let isAlive = true; isAlive; isAlive = (await livingSandbox(folder)) !== null) {
      await clock.sleep(2000, stopping.signal).catch(() => {})
      if (isStopping) return
    }
    orphan = null
    logger.warn('the payment sandbox has died and is started again')
    await restart()
  }

  return {
    origin,
    credentials: credentials!,
    webhookSecrets() {
      if (clock.monotonic() - readAt > 1000) {
        readAt = clock.monotonic()
        void readCredentials(folder)
          .then(now => {
            if (now !== null) secrets = liveSecrets(now, clock.now())
          })
          .catch(() => {}) // being written this instant; the next look finds it
      }
      return secrets
    },
    async setWebhookUrl(url) {
      const answer = await fetch(`${origin}/sandbox/endpoints`, { method: 'POST', body: JSON.stringify({ url }) })
      if (!answer.ok) throw new Error(`the payment sandbox does not take ${url}: ${answer.status}`)
    },
    async stop() {
      isStopping = true
      stopping.abort()
      if (child === null) {
        if (orphan !== null) await endOrphan(orphan)
        return
      }
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function endOrphan(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM')
    for (let waited = 0; waited < 5000; waited += 50) {
      process.kill(pid, 0)
      await clock.sleep(50)
    }
  } catch {
    // It is gone.
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = AbortSignal.timeout(startMs)
    timer.addEventListener('abort', () => reject(new Error('the payment sandbox did not become ready')))
    child.stdout!.on('data', chunk => {
      text += chunk
      const end = text.indexOf('\n')
      if (end !== -1) resolve(text.slice(0, end))
    })
    child.once('exit', code => reject(new Error(`the payment sandbox ended with code ${code} before it was ready`)))
  })
}
