export type Block = {
  /** What the fence calls it: `sh`, `json`, … */
  language: string
  text: string
  /** Of its first line of text, counted from 1. */
  line: number
  /** `<!-- run -->` stands above the fence. */
  isMarked: boolean
}

/** The fenced blocks of a Markdown page, in order. */
export function fencedBlocks(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { fence: string; indent: string; block: Block; lines: string[] } | null = null
  const lines = markdown.split('\n')
  for (const [i, line] of lines.entries()) {
    const fence = /^(?<indent>\s*)(?<fence>`{3,})(?<language>[\w-]*)\s*$/.exec(line)?.groups
    if (open !== null) {
      if (fence?.fence === open.fence && fence.language === '') {
        blocks.push({ ...open.block, text: open.lines.join('\n') })
        open = null
      } else open.lines.push(line.replace(open.indent, ''))
    } else if (fence !== undefined) {
      const above = lines.slice(0, i).findLast(other => other.trim() !== '')
      const block = { language: fence.language!, text: '', line: i + 2, isMarked: above?.trim() === '<!-- run -->' }
      open = { fence: fence.fence!, indent: fence.indent!, block, lines: [] }
    }
  }
  return blocks
}

export type Command = { script: string; line: number; expected: Block | null }

/**
 * What a page promises to work: its marked `sh` blocks, each with the `json` or `text` block that follows before the next
 * command, which is what it prints.
 */
export function commandsOf(markdown: string): Command[] {
  const blocks = fencedBlocks(markdown)
  return blocks.flatMap(({ language, isMarked, text, line }, i) => {
    if (language !== 'sh' || !isMarked) return []
    const next = blocks[i + 1]
    const expected = next !== undefined && (next.language === 'json' || next.language === 'text') ? next : null
    return [{ script: text, line, expected }]
  })
}
