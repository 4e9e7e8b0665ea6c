import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OpenLoopResult } from '../fans/open-loop.ts'
import type { GeneratorJob } from './generator.ts'

const script = fileURLToPath(new URL('./generator.ts', import.meta.url))

export type GeneratorResult = OpenLoopResult & { cpuSeconds: number }

/** Runs one job in a fresh generator process. */
export async function runGenerator(job: GeneratorJob): Promise<GeneratorResult> {
  const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the generator ended with code ${code} before it reported`)
  })
  exited.catch(() => {})
  const result = new Promise<GeneratorResult>(resolve => {
    child.on('message', (message: { result?: OpenLoopResult; cpuSeconds?: number }) => {
      if (message.result !== undefined) resolve({ ...message.result, cpuSeconds: message.cpuSeconds! })
    })
  })
  child.send(job)
  return Promise.race([result, exited])
}
