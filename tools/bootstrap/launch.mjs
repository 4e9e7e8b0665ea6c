import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import { ensureInstalled, InstallProblem } from './ensure-installed.mjs'

/**
 * Runs Node with these arguments, once everything is installed, and ends as it ends.
 * @param {string} root folder of package.json
 * @param {string[]} args
 * @param {{ dev?: boolean }} [options] with the packages for development
 */
export async function launch(root, args, options = {}) {
  try {
    await ensureInstalled(root, options)
    await runNode(candidates(root), args)
  } catch (error) {
    if (!(error instanceof InstallProblem)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** The Node of the lock-file, which we test with; else the one that runs this, if it is new enough. */
function candidates(root) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const name = `node-${process.platform}-${process.arch}`
  const bundled = join(root, 'node_modules', name, 'bin/node')
  const wanted = Number.parseInt(Object.entries(optionalDependencies).find(([key]) => key.startsWith('node-'))[1], 10)
  const found = existsSync(bundled) ? [bundled] : []
  if (Number.parseInt(process.versions.node, 10) >= wanted) found.push(process.execPath)
  if (found.length > 0) return found
  throw new InstallProblem(
    `Holdfast runs on Node ${wanted}, and npm has none for ${process.platform}-${process.arch}. ` +
      `Install Node ${wanted} or later yourself and start again.`,
  )
}

function runNode([node, ...others], args) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { stdio: 'inherit' })
    child.on('error', error => {
      // The file exists but its loader does not: it was built for another C library.
      if (error.code !== 'ENOENT' && error.code !== 'EACCES') return reject(error)
      if (others.length > 0) return resolve(runNode(others, args))
      reject(
        new InstallProblem(
          `The Node that npm installed does not run here (${error.code}); it is built for glibc. Install Node 24 or later yourself.`,
        ),
      )
    })
    child.on('spawn', () => passSignals(child))
    child.on('exit', (code, signal) => {
      if (signal === null) process.exitCode = code
      else endLike(signal)
      resolve()
    })
  })
}

/**
 * Ctrl-C and the end of a terminal reach every process of its foreground group: the child has them already, and npm sends
 * us another one. A second Ctrl-C means "at once" to a server, so it must not get one from us. Without a terminal we are
 * all that was told.
 */
function passSignals(child) {
  const atTerminal = [0, 1, 2].some(isatty)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => atTerminal || child.kill(signal))
}

function endLike(signal) {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
