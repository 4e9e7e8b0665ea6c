import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan } from '../scan.ts'

const importsOf = (text: string) => scan(text).imports.map(({ specifier }) => specifier)

test('every form of an import is found', () => {
  const text = [
    `import a from 'one'`,
    `import * as b from "two"`,
    `import c, { d } from 'three'`,
    `import {\n  e, // a comment from 'nowhere'\n  f as g,\n} from 'four'`,
    `import 'five'`,
    `export { h } from 'six'`,
    `export * from 'seven'`,
    `export * as i from 'eight'`,
    `const j = await import('nine')`,
    `let k: import('ten').K`,
    `import type { L } from 'eleven'`,
  ].join('\n')
  assert.deepEqual(importsOf(text), [
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
  ])
})

test('what only looks like an import is none', () => {
  const text = [
    `// import a from 'comment'`,
    `/* import b from 'block' */`,
    `const text = "import c from 'string'"`,
    "const template = `import d from 'template'; ${x} export * from 'rest'`",
    `const pattern = /import e from 'pattern'/`,
    `array.from('method')`,
    `const meta = import.meta.url`,
    `x.import('property')`,
  ].join('\n')
  assert.deepEqual(importsOf(text), [])
})

test('an import is of types alone when nothing of it is left at run time', () => {
  const typeOnly = (text: string) => scan(text).imports[0]!.typeOnly
  assert.equal(typeOnly(`import type { A } from './a.ts'`), true)
  assert.equal(typeOnly(`import type A from './a.ts'`), true)
  assert.equal(typeOnly(`import { type A, type B } from './a.ts'`), true)
  assert.equal(typeOnly(`export type { A } from './a.ts'`), true)
  assert.equal(typeOnly(`import { type A, b } from './a.ts'`), false)
  assert.equal(typeOnly(`import type, { a } from './a.ts'`), false)
  assert.equal(typeOnly(`import './a.ts'`), false)
  assert.equal(typeOnly(`export * from './a.ts'`), false)
})

test('code, strings and comments are told apart, also inside templates', () => {
  const text = 'const a = `one ${f({ b: "two" })} three` // four\n'
  const { code, strings, uncommented } = scan(text)
  assert.equal(code.replaceAll(/ +/g, ' '), 'const a = ` ${f({ b: " " })} ` \n')
  assert.equal(strings.trim().replaceAll(/ +/g, ' '), 'one two three')
  assert.equal(uncommented.trimEnd(), 'const a = `one ${f({ b: "two" })} three` //'.slice(0, -3))
  for (const view of [code, strings, uncommented]) assert.equal(view.length, text.length)
})

test('templates within templates end where they should', () => {
  const { code } = scan('f(`a ${b ? `c ${{ d: 1 }.d} e` : `}`} g`, setTimeout)')
  assert.match(code, /, setTimeout\)$/)
  assert.doesNotMatch(code, /\b[aceg]\b/)
})

test('a slash divides after a value and begins a pattern where one is due', () => {
  assert.match(scan(`const a = b / c; const d = "x" / 2 // '`).code, /b \/ c; const d/)
  assert.doesNotMatch(scan(`if (/['"\`]/.test(quote)) stop(/[/{]/)`).code, /['"`{]/)
  assert.match(scan('const half = (a + b) / 2; const third = total[0] / 3').code, /\/ 2; const third/)
})

test('lines are counted as an editor does', () => {
  assert.deepEqual(
    scan(`\n\nimport a from 'a'\n/*\n*/ import 'b'`).imports.map(({ line }) => line),
    [3, 5],
  )
})

test('a scanner that lost its way says so instead of seeing too little', () => {
  assert.throws(() => scan('const open = (1'), /every bracket closes/)
  assert.throws(() => scan('f(1]'), /brackets match/)
})
