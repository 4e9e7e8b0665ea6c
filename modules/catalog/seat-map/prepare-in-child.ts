import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RetryableFault } from '#kernel/faults.ts'
import type { SeatMapFile, SeatMapPreparation } from './prepare-seat-map.ts'

const program = fileURLToPath(new URL('./prepare-child.ts', import.meta.url))
const secondsMax = 60
const waitingMax = 4

/**
 * Prepares a map in a process of its own, one file at a time. Parsing and checking 80,000 seats would hold up every buyer for a
 * second, and a file can be made to need more memory than there is. A thread was tried: the memory it had used stayed with
 * the server (80 MB became 240 MB after twelve arenas, 430 MB after as many stadiums); a process gives back all of it.
 *
 * @throws RetryableFault when too many wait already, or the process was ended from outside
 */
export async function prepareInChild(file: SeatMapFile): Promise<SeatMapPreparation> {
  if (waiting === waitingMax)
    throw new RetryableFault('too many seat maps are being imported', { retryAfterSeconds: 10 })
  waiting++
  const turn = last.then(() => runChild(file))
  last = turn.catch(() => {}) // whoever waits behind does not care how this one ended
  return turn.finally(() => {
    waiting--
  })
}

let waiting = 0
let last: Promise<unknown> = Promise.resolve()

function runChild(file: SeatMapFile): Promise<SeatMapPreparation> {
  return new Promise((resolve, reject) => {
    const child = fork(program, {
      // Nearly everything lives until the end: with a small young generation copying it took a third of the time.
      execArgv: ['--max-old-space-size=768', '--max-semi-space-size=64'],
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      timeout: secondsMax * 1000,
      killSignal: 'SIGKILL',
    })
    child.once('message', answer => resolve(answer as SeatMapPreparation))
    child.once('error', error => reject(new RetryableFault('the import could not be started', { cause: error })))
    child.once('exit', (code, signal) => {
      // After an answer these are without effect. V8 aborts when its memory is used up; the time limit kills.
      if (signal === 'SIGABRT' || signal === 'SIGKILL') resolve(tooMuch)
      else reject(new RetryableFault(`the import ended early (${signal ?? code})`))
    })
    child.send(file)
  })
}

const tooMuch: SeatMapPreparation = {
  ok: false,
  code: 'invalid-seatmap',
  errors: [{ path: '', message: 'the file is nested so deeply, or holds so much, that it cannot be read' }],
}
