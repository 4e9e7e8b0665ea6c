import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type OwnServer = {
  url: string
  email: string
  password: string
  /** Where it keeps everything. */
  folder: string
  /** The server dies at whatever it does, without a word to its database and its sandbox, and is started again. */
  crash(): Promise<void>
  stop(): Promise<void>
  /** For who cannot wait: it stops by itself, and its folder stays. */
  kill(): void
}

const program = fileURLToPath(new URL('../apps/cli/holdfast.mjs', import.meta.url))

/**
 * A box office for one rehearsal: a database, a sandbox and a folder of its own, all of which go with it.
 *
 * @param settings beside those that it needs
 */
export async function startOwnServer(settings: Record<string, string> = {}): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-rehearsal-'))
  const [email, password] = ['rehearsal@holdfast.localhost', randomBytes(18).toString('base64url')]

  async function start(port: string): Promise<{ child: ChildProcess; url: string }> {
    const child = spawn(process.execPath, [program, 'start', '--port', port, '--data', folder, '--no-demo'], {
      // Ctrl-C is for the rehearsal, which stops the server in the end.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOLDFAST_ADMIN_EMAIL: email,
        HOLDFAST_ADMIN_PASSWORD: password,
        HOLDFAST_LOG_LEVEL: 'error',
        HOLDFAST_DRAIN_SECONDS: '2',
        ...settings,
      },
    })
    let said = ''
    child.stderr.on('data', chunk => {
      said = (said + chunk).slice(-4000)
    })
    return { child, url: await readyAt(child, () => said) }
  }

  const started = await start('0')
  let { child } = started
  const { url } = started
  return {
    url,
    email,
    password,
    folder,
    async crash() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      child = (await start(new URL(url).port)).child
    },
    kill() {
      child.kill('SIGTERM')
      process.stderr.write(`The server is told to stop. What it wrote stays in ${folder}.\n`)
    },
    async stop() {
      if (child.exitCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function readyAt(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const ready = /ready at (\S+)/.exec(line)
      if (ready) resolve(ready[1]!)
    })
    child.once('exit', code => reject(new Error(`the server ended with code ${code} before it was ready:\n${said()}`)))
  })
}
