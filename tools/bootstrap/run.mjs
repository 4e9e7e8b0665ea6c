/**
 * `node tools/bootstrap/run.mjs [--dev] <file or node option> [arguments]`: like `node`, on a machine that has only some
 * Node and npm. It installs the packages of the lock-file when they are missing (with `--dev` those for development too),
 * then runs the Node that came with them. The npm scripts call it themselves, because npm skips `prestart` and
 * `pretest` where install scripts are switched off.
 *
 * Understood by every Node that knows modules: an old one must get as far as the sentence below.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Holdfast is started by Node 20 or later; this is ${process.version}.`)
  process.exit(1)
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const args = process.argv.slice(2)
const dev = args[0] === '--dev'
import('./launch.mjs').then(({ launch }) => launch(root, dev ? args.slice(1) : args, { dev }))
