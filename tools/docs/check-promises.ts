import { existsSync, globSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { main } from '../../apps/cli/main.ts'
import { readTree } from '../arch/tree.ts'
import { brokenPromises, missingFiles, type Page, type Reality } from './promises.ts'

// Looks whether what pages and comments name is there. That marked commands work is shown by test/pages.slow.test.ts.
const root = fileURLToPath(new URL('../../', import.meta.url))
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts?: Record<string, string> }
const reality: Reality = {
  exists: path => existsSync(root + path),
  scripts: Object.keys(scripts ?? {}),
  help: remembered(helpOf),
}

const pages = globSync(['*.md', '*/**/*.md'], { cwd: root, exclude: ['node_modules', 'data'] })
  // A changelog speaks of what was.
  .filter(path => path !== 'CHANGELOG.md')
  .map(path => ({ path, text: readFileSync(root + path, 'utf8') }))
const broken = [
  ...(await Promise.all(pages.map(page => brokenPromises(page, reality)))).flat(),
  ...commentsOfTree().flatMap(comments => [...missingFiles(comments, reality)]),
]
for (const { path, line, sentence } of broken) console.error(`${path}:${line} ${sentence}`)
if (broken.length > 0) process.exitCode = 1
else console.log(`${pages.length} pages name only what there is.`)

function commentsOfTree(): Page[] {
  return readTree(root).files.map(({ path, text, uncommented }) => ({
    path,
    text: text.replaceAll(/[^\n]/g, (char, at: number) => (uncommented[at] === char ? ' ' : char)),
  }))
}

async function helpOf(command: string[]): Promise<string | null> {
  const output = new PassThrough()
  const streams = { stdin: process.stdin, stdout: output, stderr: new PassThrough().resume() }
  await main({ argv: [...command, '--help'], env: {}, ...streams })
  const text = String(output.read() ?? '')
  // Asked for a command that there is not, it shows the help of the one above.
  return text.startsWith(`Usage: ${['holdfast', ...command].join(' ')} [`) ? text : null
}

function remembered(ask: Reality['help']): Reality['help'] {
  const answers = new Map<string, Promise<string | null>>()
  return command => {
    const key = command.join(' ')
    const answer = answers.get(key) ?? ask(command)
    answers.set(key, answer)
    return answer
  }
}
