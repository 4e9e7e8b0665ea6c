#!/usr/bin/env node
// The door of the program. Plain JavaScript, because the Node that a machine has may be too old to read TypeScript, or the
// packages may not be there yet: then what starts `npm start` puts both right and opens this door again.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const argv = process.argv.slice(2)
const [major, minor] = process.versions.node.split('.').map(Number)
// 24.7 brought argon2 to node:crypto.
const fits = major > 24 || (major === 24 && minor >= 7)
const installed = existsSync(`${root}node_modules/.package-lock.json`)
// A child's title tells it that it is the second try.
const title = 'holdfast'

if (fits && installed) {
  // Half of a start is compiling (1.4 s of processor time, 0.7 s with what the last one left here). Not in the shared folder
  // for temporary files, where somebody else could leave it for us. A folder that cannot be written is only slower.
  const { enableCompileCache } = await import('node:module')
  enableCompileCache(`${root}node_modules/.cache/holdfast`)
  const { main } = await import('./main.ts')
  const { stdin, stdout, stderr } = process
  process.exitCode = await main({ argv, env: process.env, stdin, stdout, stderr })
} else if (process.title === title) {
  console.error(`holdfast needs Node 24.7 or later; this is ${process.versions.node}. Install one and start again.`)
  process.exitCode = 1
} else {
  const { launch } = await import('../../tools/bootstrap/launch.mjs')
  await launch(root, [`--title=${title}`, fileURLToPath(import.meta.url), ...argv])
}
