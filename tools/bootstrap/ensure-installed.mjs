import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { aloneInstalling } from './alone.mjs'

/** Something the person at the terminal must change; the message says what. */
export class InstallProblem extends Error {}

/**
 * Runs `npm ci` when what is installed is not what the lock-file says. Install scripts stay off: nothing we depend on
 * needs them. Where there is no lock-file we are ourselves a package that npm installed.
 * @param {string} root folder of package.json
 * @param {{ dev?: boolean }} [options]
 */
export async function ensureInstalled(root, { dev = false } = {}) {
  if (missingPackages(root, { dev }).length === 0) return
  await aloneInstalling(root, async () => {
    const missing = missingPackages(root, { dev })
    if (missing.length > 0) await install(root, { dev, count: missing.length })
  })
}

/**
 * The packages of the lock-file that are not installed as it says, by their folders. npm notes what it installed in a
 * hidden lock-file, as its last step: after an interrupted install it is absent.
 * @param {string} root
 * @param {{ dev?: boolean }} [options]
 * @returns {string[]}
 */
export function missingPackages(root, { dev = false } = {}) {
  const lock = readLock(join(root, 'package-lock.json'))
  if (lock === null) return []
  const installed = readLock(join(root, 'node_modules/.package-lock.json')) ?? {}
  return Object.keys(lock).filter(folder => {
    const entry = lock[folder]
    if (folder === '' || (!dev && (entry.dev || entry.devOptional))) return false
    const found = installed[folder]
    if (found === undefined || !existsSync(join(root, folder))) return !entry.optional || isForThisPlatform(entry)
    return found.version !== entry.version || (entry.integrity ?? found.integrity) !== found.integrity
  })
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw new InstallProblem(`${file} cannot be read: ${error.message}`)
  }
}

/** Optional packages are programs for one platform each; what stands without one belongs to a program for another. */
function isForThisPlatform({ os, cpu, libc }) {
  if (os === undefined && cpu === undefined) return false
  return admits(os, process.platform) && admits(cpu, process.arch) && (libc === undefined || admits(libc, libcName()))
}

/** As in package.json: `"linux"`, `["linux"]` or `["!win32"]`. */
function admits(list, value) {
  const items = [list ?? []].flat()
  const negated = items.filter(item => item.startsWith('!'))
  if (negated.length > 0) return !negated.includes(`!${value}`)
  return items.length === 0 || items.includes(value)
}

function libcName() {
  if (process.platform !== 'linux') return undefined
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}

async function install(root, { dev, count }) {
  const started = Date.now()
  process.stderr.write(`Installing ${count} packages (once) … `)
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
  ]
  if (dev) args.push('--include=dev')
  const { code, output } = await npm(root, args)
  if (code === 0) {
    process.stderr.write(`done in ${Math.round((Date.now() - started) / 1000)} s\n`)
    return
  }
  process.stderr.write('failed\n')
  throw new InstallProblem(
    `${output.trim()}\nnpm could not install the packages of package-lock.json; its last words are above.`,
  )
}

/** The npm that runs us, else the one in the path. */
function npm(root, args) {
  const running = process.env.npm_execpath ?? ''
  const [program, first] = basename(running) === 'npm-cli.js' ? [process.execPath, [running]] : ['npm', []]
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
    child.on('error', error =>
      reject(
        new InstallProblem(`npm could not be run (${error.code}); run "npm ci --ignore-scripts" in ${root} yourself.`),
      ),
    )
    child.on('close', code => resolve({ code, output }))
  })
}
