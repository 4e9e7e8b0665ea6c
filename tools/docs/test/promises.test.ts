import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenPromises, type Reality } from '../promises.ts'

const commands: Record<string, string> = {
  '': '--help',
  start: '--port <number> --json',
  'config explain': '--json --markdown',
}
const reality: Reality = {
  exists: path => ['docs/tour.md', 'docs/adr', 'platform/config/options.ts'].includes(path),
  scripts: ['start', 'test', 'test:slow'],
  help: async command => commands[command.join(' ')] ?? null,
}

async function broken(text: string): Promise<string[]> {
  return (await brokenPromises({ path: 'docs/a.md', text }, reality)).map(({ line, sentence }) => `${line} ${sentence}`)
}

test('what is there may be named', async () => {
  const text = `[tour](tour.md#holds) [decisions](adr) [web](https://example.org/x) [below](#below) [served](/docs)
See \`platform/config/options.ts\`; npm test, npm run test:slow. Holdfast, \`holdfast start --port 80\`.
\`\`\`sh
npm start   # or: PORT=1 npx holdfast start
holdfast config explain --json | jq .
holdfast start somewhere --json
\`\`\`
\`\`\`ts
const x = list[0](y) // holdfast nonsense
\`\`\``
  assert.deepEqual(await broken(text), [])
})

test('a link, a file, a script, a command or a flag that is not there is told with its line', async () => {
  const text = `[gone](gone.md)
In platform/gone.ts we
npm run gone
\`\`\`sh
holdfast gone
holdfast start --gone
\`\`\`
\`holdfast config gone\``
  assert.deepEqual(await broken(text), [
    '1 links to docs/gone.md, which is not there',
    '2 names platform/gone.ts, which is not there',
    '3 tells to run npm run gone, which package.json does not have',
    '5 tells to run holdfast gone, which there is not',
    '6 gives holdfast start the flag --gone',
    '8 tells to run holdfast config gone, which there is not',
  ])
})
