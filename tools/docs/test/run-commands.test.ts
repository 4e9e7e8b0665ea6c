import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fencedBlocks } from '../fenced-blocks.ts'
import { printedAsPromised } from '../printed-as-promised.ts'
import { runCommands } from '../run-commands.ts'

test('marked commands run in order in one shell, and the server takes the place of the one on the page', async t => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.end(JSON.stringify({ id: 'evt_1', url: `http://${request.headers.host}/it`, items: [1, 2] }))
  })
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const page = `
<!-- run -->
\`\`\`sh
NAME=one two=2
curl -s http://127.0.0.1:3000/$NAME > /dev/null
\`\`\`

Prose.

\`\`\`sh
curl http://127.0.0.1:3000/not-marked
\`\`\`

<!-- run -->

\`\`\`sh
curl -s "$BASE/$NAME/$two"
\`\`\`
answers
\`\`\`json
{
  "id": "evt_...",
  "url": "http://127.0.0.1:3000/it",
  ...
}
\`\`\`
`
  assert.equal(await run(page, base), 2)
  assert.deepEqual(asked, ['/one', '/one/2'])
})

test('the first command that fails is told with its place, and the rest does not run', async () => {
  const page =
    block('echo fine') + block('echo so far\necho oh dear >&2\nfalse\necho not reached') + block('touch /tmp/x')
  await assert.rejects(run(page), error => {
    assert.match((error as Error).message, /^page\.md:7: the command fails with exit code 1\n/)
    assert.match((error as Error).message, /printed:\nso far\n\nand on standard error:\noh dear\n$/)
    return true
  })
})

test('a variable that nobody set is a failure', async () => {
  await assert.rejects(run(block('echo $NOBODY_SET_ME')), /exit code 1/)
})

test('a command that prints something else than the page shows is a failure', async () => {
  const page = `${block('echo \'{"state": "sold"}\'')}\`\`\`json\n{"state": "held"}\n\`\`\`\n`
  await assert.rejects(run(page), /page\.md:3: the command does not print what line 6 shows:\n\{"state": "held"\}/)
})

test('a command that does not end is ended, with what it started', async () => {
  await assert.rejects(run(block('sleep 1000 & wait'), undefined, 200), /did not end in 200 ms/)
})

test('dots stand for anything, and the layout of JSON says nothing', () => {
  const promised = (printed: string, text: string, language = 'json') =>
    printedAsPromised(printed, { language, text, line: 1, isMarked: false })

  assert.ok(promised('{"a":1,"b":[1,2]}', '{\n  "a": 1,\n  "b": [1, 2]\n}'))
  assert.ok(promised('{"a":1,"b":2,"c":3}', '{"a": 1, ..., "c": 3}'))
  assert.ok(promised('{"a":"x y"}', '{ "a" : "x y" }'))
  assert.ok(promised('{"a":{"b":1}}', '{"a": …}'))
  assert.ok(!promised('{"a":"x  y"}', '{"a": "x y"}'), 'white space within a string does')
  assert.ok(!promised('{"a":1,"b":2}', '{"a": 1}'), 'more than promised')
  assert.ok(!promised('{"a":1}', '{"a": 1, ..., "a": 1}'), 'one thing does not stand for two')
  assert.ok(promised('Ready at 1\n  then\n', 'Ready at ...\n  then', 'text'))
  assert.ok(!promised('Ready\n  then', 'Ready\nthen', 'text'), 'in text, an indent does')
})

test('fences are read as Markdown has them', () => {
  const page = '1. one\n   ```sh\n   a\n     b\n   ```\n````text\n```sh\n```\n````\n```\nc\n```\n'
  assert.deepEqual(
    fencedBlocks(page).map(({ language, text, line }) => [language, text, line]),
    [
      ['sh', 'a\n  b', 3],
      ['text', '```sh\n```', 7],
      ['', 'c', 11],
    ],
  )
})

function block(script: string): string {
  return `<!-- run -->\n\`\`\`sh\n${script}\n\`\`\`\n`
}

function run(page: string, base?: string, timeoutMs = 20_000): Promise<number> {
  return runCommands({ page, path: 'page.md', base, cwd: import.meta.dirname, timeoutMs })
}
