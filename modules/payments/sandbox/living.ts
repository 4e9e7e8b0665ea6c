import { readCredentials } from './credentials.ts'

export type LivingSandbox = { origin: string; pid: number; supervised: boolean }

const answerMs = 1000

/** The sandbox that works on this folder, if one answers. */
export async function livingSandbox(folder: string): Promise<LivingSandbox | null> {
  const credentials = await readCredentials(folder)
  if (credentials === null || credentials.port === 0) return null
  const origin = `http://127.0.0.1:${credentials.port}`
  const answer = await fetch(`${origin}/sandbox/state`, { signal: AbortSignal.timeout(answerMs) }).catch(() => null)
  // The port may be somebody else's by now.
  type State = { publishable_key: string; pid: number; supervised: boolean }
  const state = answer?.ok ? ((await answer.json().catch(() => null)) as State | null) : null
  return state?.publishable_key === credentials.publishable_key
    ? { origin, pid: state.pid, supervised: state.supervised }
    : null
}

/** Two on one folder would write one ledger, and each forget what the other was told. */
export class SandboxRuns extends Error {
  readonly origin: string
  constructor(origin: string) {
    super(`a payment sandbox works on this folder already, at ${origin}`)
    this.origin = origin
  }
}
