import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, commandsOf } from './fenced-blocks.ts'
import { printedAsPromised } from './printed-as-promised.ts'

/** Where pages say that the server is, because a reader's is there. */
const addressOnPages = 'http://127.0.0.1:3000'

export type PageOptions = {
  /** Markdown. */
  page: string
  /** Named in what goes wrong. */
  path: string
  /** The server that takes the place of the one on the page; the commands have it as BASE, too. */
  base?: string
  cwd: string
  timeoutMs: number
}

/**
 * Runs the marked commands of a page one after the other in one bash, as a reader with one terminal would, until one fails;
 * then looks at what they printed.
 *
 * @returns how many there were
 * @throws Error of the first that failed or printed something else than the page shows: the place on the page, what was promised, and what happened
 */
export async function runCommands({ page, path, base = addressOnPages, cwd, timeoutMs }: PageOptions): Promise<number> {
  const commands = commandsOf(page)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  try {
    for (const [i, { script }] of commands.entries())
      await writeFile(join(folder, `${i}.sh`), `${script.replaceAll(addressOnPages, base)}\n`)
    // Read into one shell, so that each finds the variables of those before; the files catch what each of them prints.
    const steps = commands.map(
      (_, i) => `. "$PAGE/${i}.sh" > "$PAGE/${i}.out" 2> "$PAGE/${i}.err"; touch "$PAGE/${i}.done"`,
    )
    const end = await bash(`set -eu\n${steps.join('\n')}\n`, {
      cwd,
      timeoutMs,
      env: { PAGE: folder, BASE: base },
    })
    for (const [i, command] of commands.entries()) {
      const printed = await contents(folder, `${i}.out`)
      const problem = (await exists(folder, `${i}.done`))
        ? unlike(command, printed.replaceAll(base, addressOnPages))
        : end
      if (problem === null) continue
      const said = [section('printed', printed), section('and on standard error', await contents(folder, `${i}.err`))]
      throw new Error([`${path}:${command.line}: ${problem}`, command.script, ...said].join('\n'))
    }
    return commands.length
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function unlike({ expected }: Command, printed: string): string | null {
  if (expected === null || printedAsPromised(printed, expected)) return null
  return `the command does not print what line ${expected.line} shows:\n${expected.text}\n`
}

/** How it ended, in words. It has no standard input, and the group of what it started is ended with it when it takes too long. */
function bash(
  script: string,
  options: { cwd: string; timeoutMs: number; env: Record<string, string> },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { cwd, timeoutMs, env } = options
    const shell = spawn('bash', ['-c', script], {
      cwd,
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, ...env },
    })
    const timer = setTimeout(() => process.kill(-shell.pid!, 'SIGKILL'), timeoutMs)
    shell.on('error', reject)
    shell.on('exit', (code, signal) => {
      clearTimeout(timer)
      resolve(
        signal === null ? `the command fails with exit code ${code}` : `the command did not end in ${timeoutMs} ms`,
      )
    })
  })
}

function section(title: string, text: string): string {
  return text === '' ? '' : `${title}:\n${text}`
}

async function exists(folder: string, name: string): Promise<boolean> {
  return (await readFile(join(folder, name)).catch(() => null)) !== null
}

function contents(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch(() => '')
}
