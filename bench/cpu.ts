import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time of a process and of all its children, in seconds, from /proc: user and system, in ticks of 10 ms. It says what a
 * request costs also on a machine whose other tenants make wall-clock times worthless. Null where there is no /proc.
 */
export function cpuSecondsOf(pid: number): number | null {
  try {
    return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + ticksOf(each), 0) / 100
  } catch {
    return null
  }
}

/** Seconds in which the main thread of a process could have run and waited for a processor. Null where the kernel does not tell. */
export function waitedSecondsOf(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9
  } catch {
    return null
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => fieldsOf(pid)?.[1] === String(parent))
}

/** User and system time, also of children that have ended. */
function ticksOf(pid: number): number {
  const fields = fieldsOf(pid)
  return fields === null ? 0 : fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
}

/** The fields behind the command's name, which may contain anything. */
function fieldsOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
