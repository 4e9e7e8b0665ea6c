import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { stopWithThisProcess } from '#platform/postgres/embedded/watch.ts'

export type ServerProcess = {
  url: string
  pid: number
  /** Milliseconds from the command to the line that says it is ready. */
  readyAfterMs: number
  /** All that it wrote to standard error so far. */
  said(): string
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>
  ended: Promise<Ended>
}

export type Ended = { code: number | null; signal: NodeJS.Signals | null }

const program = fileURLToPath(new URL('../../apps/cli/holdfast.mjs', import.meta.url))

/** `holdfast start` in a process of its own, ready when this returns. `env` is all that it gets of an environment. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const startedAt = performance.now()
  const child = spawnHoldfast(['start'], env)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', chunk => {
    said += chunk
  })
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Ended)
  // A test that is killed leaves no server behind.
  const callOff = stopWithThisProcess(child.pid!)
  ended.then(callOff)
  const ready = new Promise<string>(resolve => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const url = /ready at (\S+)/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
  const died = ended.then(({ code, signal }) => {
    throw new Error(`holdfast start ended with ${code ?? signal} before it was ready. It said:\n${said}`)
  })
  const url = await Promise.race([ready, died])
  died.catch(() => {}) // from here on its end is what the test asks for
  return {
    url,
    pid: child.pid!,
    readyAfterMs: performance.now() - startedAt,
    said: () => said,
    ended,
    async end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs the program until it ends by itself, or is killed after `withinMs`: then `code` is null. */
export async function runHoldfast(argv: string[], env: Record<string, string>, { withinMs = 600_000 } = {}) {
  const child = spawnHoldfast(argv, env)
  const tooLong = setTimeout(() => child.kill('SIGKILL'), withinMs)
  child.once('exit', () => clearTimeout(tooLong))
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')])
  return { code: code as number | null, stdout, stderr }
}

function spawnHoldfast(argv: string[], env: Record<string, string>): ChildProcess {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  return spawn(process.execPath, [program, ...argv], {
    env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
