import type { Block } from './fenced-blocks.ts'

/**
 * Whether a command printed what its page shows. `...` stands for anything, also for nothing. In JSON, white space between
 * tokens says nothing, so that a page may lay out what the server sends in one line.
 */
export function printedAsPromised(printed: string, { language, text }: Block): boolean {
  const normal = language === 'json' ? withoutLayout : withoutMargins
  return isLike(normal(printed), normal(text).split(/\.\.\.|…/))
}

function isLike(text: string, parts: string[]): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

function withoutMargins(text: string): string {
  return text
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
    .trim()
}

function withoutLayout(json: string): string {
  return json.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string: string | undefined) => string ?? '')
}
