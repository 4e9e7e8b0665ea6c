import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { referencePages } from './reference-pages.ts'

// `npm run reference` writes docs/reference; with --check it only says which pages are not what would be written.
const root = fileURLToPath(new URL('../../', import.meta.url))
await mkdir(`${root}docs/reference`, { recursive: true })
for (const [path, text] of Object.entries(referencePages())) {
  if (!process.argv.includes('--check')) await writeFile(root + path, text)
  else if ((await readFile(root + path, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} is not what the code says. Run \`npm run reference\` and look at the difference.`)
    process.exitCode = 1
  }
}
