import { readdir, readFile } from 'node:fs/promises'

export function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It may be quicker than we are: those of PostgreSQL end with the first of them.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(pids.map(async pid => [pid, (await statOf(pid))?.parent] as const))
  return parents.filter(([, of]) => of === parent).map(([pid]) => pid)
}

export async function isAlive(pid: number): Promise<boolean> {
  const stat = await statOf(pid)
  return stat !== null && stat.state !== 'Z'
}

async function statOf(pid: number): Promise<{ state: string; parent: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  // The name in brackets may have blanks in it.
  const [state = '', parent = '0'] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? []
  return text === null ? null : { state, parent: Number(parent) }
}
