import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/**
 * `npm ci` empties node_modules first, so two of them, or one under a starting server, spoil each other's work. The second
 * waits for the first. A holder that was killed is recognised by its process number; should two take its place at once,
 * the harm is an install that fails and is done again by the next start.
 * @param {string} root
 * @param {() => Promise<void>} work
 */
export async function aloneInstalling(root, work) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16)
  const file = join(tmpdir(), `holdfast-install-${process.getuid?.() ?? 0}-${name}`)
  for (let told = false; !taken(file); told = true) {
    if (!told) process.stderr.write('Waiting for another install … \n')
    await setTimeout(200)
  }
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  try {
    await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

function taken(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!isRunning(file)) rmSync(file, { force: true })
  return false
}

function isRunning(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Just created and not yet written counts as running.
    return pid === 0 || process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}
