import { posix } from 'node:path'
import { fencedBlocks } from './fenced-blocks.ts'

export type Page = { path: string; text: string }

/** What there is; pages must not speak of anything else. */
export type Reality = {
  /** A file or folder of the repository. */
  exists: (path: string) => boolean
  /** The scripts of package.json. */
  scripts: readonly string[]
  /** The help of a command of `holdfast`, null when there is no such command. */
  help: (command: string[]) => Promise<string | null>
}

export type Broken = { path: string; line: number; sentence: string }

/** Links, files, scripts, commands and flags that a page names and that are not there. */
export async function brokenPromises(page: Page, reality: Reality): Promise<Broken[]> {
  const found: Broken[] = [
    ...brokenLinks(page, reality),
    ...missingFiles(page, reality),
    ...missingScripts(page, reality),
  ]
  for await (const broken of missingCommands(page, reality)) found.push(broken)
  return found.sort((a, b) => a.line - b.line)
}

function* brokenLinks({ path, text }: Page, { exists }: Reality): Iterable<Broken> {
  for (const match of withoutFences(text).matchAll(/\]\((?!\w+:|#|\/)([^)\s#]+)[^)]*\)/g)) {
    const target = posix.join(posix.dirname(path), match[1]!)
    if (!exists(target))
      yield { path, line: lineAt(text, match.index), sentence: `links to ${target}, which is not there` }
  }
}

const namedFile =
  /(?<!\]\()(?<![\w/.<>-])(?:kernel|contracts|modules|platform|apps|web|db|sim|bench|tools|docs|fans|demo|deploy)\/[\w./-]*\w\.(?:ts|mjs|md|sql|json)\b/g

/** Also for the comments of a source file. */
export function* missingFiles({ path, text }: Page, { exists }: Pick<Reality, 'exists'>): Iterable<Broken> {
  for (const match of text.matchAll(namedFile))
    if (!exists(match[0]))
      yield { path, line: lineAt(text, match.index), sentence: `names ${match[0]}, which is not there` }
}

function* missingScripts({ path, text }: Page, { scripts }: Reality): Iterable<Broken> {
  for (const match of text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)) {
    const script = match[1] ?? match[2]!
    if (!scripts.includes(script))
      yield {
        path,
        line: lineAt(text, match.index),
        sentence: `tells to run ${match[0]}, which package.json does not have`,
      }
  }
}

/** Where code is: `holdfast` within a sentence is the product. */
async function* missingCommands({ path, text }: Page, { help }: Reality): AsyncIterable<Broken> {
  for (const { code, line } of codeOf(text))
    for (const match of code.matchAll(/(?<=^|[\s;&|(])(?:npx )?holdfast((?: [a-z][a-z-]*)*)((?: [^\n|;&)#]*)?)/g)) {
      const at = line + lineAt(code, match.index) - 1
      const words = match[1]!.trim().split(' ').filter(Boolean)
      const text = await longestHelp(words, help)
      const flags = match[2]!.match(/(?<=\s)--[a-z][a-z-]*/g) ?? []
      if (text === null)
        yield { path, line: at, sentence: `tells to run holdfast ${words.join(' ')}, which there is not` }
      else
        for (const flag of flags)
          if (!text.includes(flag))
            yield { path, line: at, sentence: `gives holdfast ${words.join(' ')} the flag ${flag}` }
    }
}

/** Words after the command may be its arguments. */
async function longestHelp(words: string[], help: Reality['help']): Promise<string | null> {
  if (words.length === 0) return help([])
  for (let count = words.length; count > 0; count--) {
    const text = await help(words.slice(0, count))
    if (text !== null) return text
  }
  return null
}

/** Shell blocks, and code in a line that begins with the program. */
function* codeOf(text: string): Iterable<{ code: string; line: number }> {
  for (const { language, text: code, line } of fencedBlocks(text)) if (language === 'sh') yield { code, line }
  for (const match of withoutFences(text).matchAll(/`((?:npx )?holdfast [^`]+)`/g))
    yield { code: match[1]!, line: lineAt(text, match.index) }
}

/** Same length and lines. */
function withoutFences(text: string): string {
  return text.replaceAll(/^\s*(`{3,})[\s\S]*?^\s*\1\s*$/gm, block => block.replaceAll(/[^\n]/g, ' '))
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
