import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '#kernel/assert.ts'
import { processIdentity } from './processes.ts'

let enteredByThisProcess = 0

/**
 * Notes that this process uses the server of a folder. The last one to leave stops the server, so that `holdfast audit`
 * beside a running server does not take its database away. Enter and leave under the folder's lock.
 */
export async function enter(folder: string): Promise<{ leave: () => Promise<{ last: boolean }> }> {
  const identity = await processIdentity(process.pid)
  assert(identity !== null, 'a process sees itself running')
  const name = `${process.pid}.${identity}.${++enteredByThisProcess}`
  await writeFile(join(folder, name), '')
  return {
    leave: async () => {
      await rm(join(folder, name), { force: true })
      return { last: (await present(folder)).length === 0 }
    },
  }
}

/** Names of those that still run; what killed ones left behind is removed. */
async function present(folder: string): Promise<string[]> {
  const names: string[] = []
  for (const name of await readdir(folder)) {
    const [pid, identity] = name.split('.')
    if ((await processIdentity(Number(pid))) === identity) names.push(name)
    else await rm(join(folder, name), { force: true })
  }
  return names
}
