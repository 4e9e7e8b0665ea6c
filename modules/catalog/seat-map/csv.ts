import type { ProblemList } from './problems.ts'

export interface CsvRecord {
  /** The line of the file on which the record begins, from 1. */
  line: number
  fields: string[]
}

/**
 * Reads RFC 4180 strictly: a quote may stand only around a whole field and is doubled inside it. Lines may end in CRLF or LF;
 * empty lines are passed over. Own code instead of a library because the importer needs the line of every record, also
 * below quoted line breaks, and all problems at once instead of the first.
 */
export function* readCsv(text: string, problems: ProblemList): Generator<CsvRecord> {
  let at = 0
  let line = 1
  while (at < text.length) {
    const record: CsvRecord = { line, fields: [] }
    let isWhole = true
    for (;;) {
      const start = at
      if (text[at] === '"') {
        const end = closingQuote(text, at)
        if (end === -1) return problems.add({ line }, 'a quote is opened and never closed')
        const field = text.slice(at + 1, end)
        for (let i = field.indexOf('\n'); i !== -1; i = field.indexOf('\n', i + 1)) line++
        record.fields.push(field.replaceAll('""', '"'))
        at = end + 1
        if (!isFieldEnd(text, at)) {
          if (isWhole) problems.add({ line }, 'there is text between a closing quote and the next comma')
          isWhole = false
          at = fieldEnd(text, at)
        }
      } else {
        at = fieldEnd(text, at)
        const field = text.slice(start, at)
        if (field.includes('"')) {
          if (isWhole) problems.add({ line }, 'a field with a quote in it must be quoted as a whole')
          isWhole = false
        }
        record.fields.push(field)
      }
      if (text[at] !== ',') break
      at++
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    line++
    if (isWhole && (record.fields.length > 1 || record.fields[0]!.trim() !== '')) yield record
  }
}

function closingQuote(text: string, opening: number): number {
  for (let at = text.indexOf('"', opening + 1); at !== -1; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at
  }
  return -1
}

function isFieldEnd(text: string, at: number): boolean {
  return at >= text.length || text[at] === ',' || text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n')
}

function fieldEnd(text: string, from: number): number {
  let at = from
  while (!isFieldEnd(text, at)) at++
  return at
}
