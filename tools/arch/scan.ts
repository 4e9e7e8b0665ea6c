import { assert } from '#kernel/assert.ts'

export type Import = {
  specifier: string
  line: number
  /** Erased before the code runs: the types of another file are a dependency, but no cycle at run time. */
  typeOnly: boolean
}

export type Scan = {
  /** The text with comments blanked. Same length and lines as the text. */
  uncommented: string
  /** Blanked as well: what stands between quotes, and the text parts of templates. What is left is code alone. */
  code: string
  /** The opposite: only what stands in strings and templates, where SQL is written. */
  strings: string
  imports: Import[]
}

/**
 * Reads as much of TypeScript as the house rules need: what is comment, what is string, what is code, and what is imported.
 * A scanner and not a parser, because TypeScript 7 has no programming interface yet and the rules look at words. Where it
 * loses its way (a regular expression taken for a division), the brackets of what is left do not match, and it says so
 * rather than see too little.
 */
export function scan(text: string): Scan {
  const found = [...spans(text)]
  const code = blank(text, found)
  checkBrackets(code)
  const ofKind = (kind: Span['kind']) => found.filter(span => span.kind === kind)
  const uncommented = blank(text, ofKind('comment'))
  return {
    uncommented,
    code,
    strings: blank(text, gaps(text, ofKind('string'))),
    imports: [...importsOf(code, uncommented)],
  }
}

export function lineOf(text: string, index: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < index; i = text.indexOf('\n', i + 1)) line++
  return line
}

type Span = { kind: 'comment' | 'string' | 'gap'; from: number; to: number }

function blank(text: string, found: Span[]): string {
  let result = ''
  let at = 0
  for (const { from, to } of found) {
    result += text.slice(at, from) + text.slice(from, to).replaceAll(/[^\n]/g, ' ')
    at = to
  }
  return result + text.slice(at)
}

/** What lies between the spans. */
function gaps(text: string, found: Span[]): Span[] {
  const edges = [0, ...found.flatMap(span => [span.from, span.to]), text.length]
  return Array.from({ length: found.length + 1 }, (_, i) => ({
    kind: 'gap',
    from: edges[2 * i]!,
    to: edges[2 * i + 1]!,
  }))
}

function* spans(text: string): Generator<Span> {
  /** Braces open in each template expression around us; the innermost last. */
  const templates: number[] = []
  const notable = /['"`/{}]/g
  notable.lastIndex = text.startsWith('#!') ? text.indexOf('\n') : 0
  for (let match = notable.exec(text); match !== null; match = notable.exec(text)) {
    const at = match.index
    const char = match[0]
    if (char === "'" || char === '"') {
      notable.lastIndex = closing(text, at + 1, char)
      yield { kind: 'string', from: at + 1, to: notable.lastIndex - 1 }
    } else if (text.startsWith('//', at)) {
      notable.lastIndex = endOf(text, '\n', at)
      yield { kind: 'comment', from: at, to: notable.lastIndex }
    } else if (text.startsWith('/*', at)) {
      notable.lastIndex = endOf(text, '*/', at + 2) + 2
      yield { kind: 'comment', from: at, to: notable.lastIndex }
    } else if (char === '/') {
      if (!expectsValue(text, at)) continue
      notable.lastIndex = endOfRegex(text, at)
      yield { kind: 'string', from: at + 1, to: Math.max(at + 1, notable.lastIndex - 1) }
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop()
      const part = endOfTemplatePart(text, at + 1)
      yield { kind: 'string', from: at + 1, to: part.to }
      if (part.opens) templates.push(0)
      notable.lastIndex = part.to + (part.opens ? 2 : 1)
    } else if (templates.length > 0) templates[templates.length - 1]! += char === '{' ? 1 : -1
  }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found
}

function closing(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function endOfTemplatePart(text: string, from: number): { to: number; opens: boolean } {
  let at = from
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) return { to: at, opens: true }
    at += text[at] === '\\' ? 2 : 1
  }
  return { to: at, opens: false }
}

/** A slash begins a regular expression where a value is due, and divides after one. */
function expectsValue(text: string, slash: number): boolean {
  const before = text.slice(Math.max(0, slash - 60), slash).trimEnd()
  if (/(^|[^\w$.])(return|typeof|case|in|of|do|else|void|delete|await|yield|throw)$/.test(before)) return true
  return before === '' || /[(,=:[!&|?{};+\-*%~^<>]$/.test(before)
}

function endOfRegex(text: string, slash: number): number {
  let inClass = false
  for (let at = slash + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    else if (text[at] === '/' && !inClass) return at + 1
  }
  return slash + 1
}

const pairs: Record<string, string> = { ')': '(', ']': '[', '}': '{' }

function checkBrackets(code: string): void {
  const open: string[] = []
  for (const char of code) {
    if ('([{'.includes(char)) open.push(char)
    else if (char in pairs) assert(open.pop() === pairs[char], 'brackets match in what was taken for code')
  }
  assert(open.length === 0, 'every bracket closes in what was taken for code')
}

const importing =
  /(?<![.\w$])(?:(import|export)\b(?<clause>[\s\w$*{},]*?)\bfrom\s*(?<from>['"])|import\s*(?<bare>['"])|import\s*\(\s*(?<call>['"]))/dg

/** Found in the code, where no comment or string can pretend to import; the name is then read from the text. */
function* importsOf(code: string, uncommented: string): Generator<Import> {
  for (const match of code.matchAll(importing)) {
    const { from, bare, call } = match.indices!.groups!
    const start = (from ?? bare ?? call)![1]
    const specifier = uncommented.slice(start, uncommented.indexOf(uncommented[start - 1]!, start))
    yield { specifier, line: lineOf(code, match.index), typeOnly: isTypeOnly(match.groups!.clause) }
  }
}

/** `import type …` and `import { type A, type B } …`. */
function isTypeOnly(clause = ''): boolean {
  if (/^\s*type\b(?!\s*(,|$))/.test(clause)) return true
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]
  return names?.split(',').every(name => name.trim() === '' || /^\s*type\s/.test(name)) ?? false
}
