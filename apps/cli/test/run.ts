import { Readable, Writable } from 'node:stream'
import { main } from '../main.ts'

export type Ran = {
  code: number
  stdout: string
  stderr: string /** The last line of standard output, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: what a command answers is what its test looks at
  json: () => any
}

/** Runs the program in this process, with nothing of the environment but what is given. */
export async function holdfast(
  argv: string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  const out = collect()
  const err = collect()
  const code = await main({ argv, env, stdin: Readable.from([input]), stdout: out.stream, stderr: err.stream })
  const stdout = out.text()
  return { code, stdout, stderr: err.text(), json: () => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) }
}

function collect() {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  return { stream, text: () => text }
}
