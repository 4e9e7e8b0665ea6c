import { isAttributeName } from './attributes.ts'
import { readCsv } from './csv.ts'
import { type Draft, limits, readLabel } from './draft.ts'
import { quoted } from './plan-reader.ts'
import type { ProblemList } from './problems.ts'

/**
 * Reads a manifest: a table of seats (`section,row,number,x,y,price_level[,attributes]`), a table of areas
 * (`area,capacity,price_level`), or both, one after the other. Columns are found by the header, in any order. Price levels
 * become categories in the order of their appearance.
 */
export function readManifest(text: string, name: string, problems: ProblemList, warnings: ProblemList): Draft {
  const manifest = new Manifest(name, problems, warnings)
  for (const { line, fields } of readCsv(text, problems)) manifest.record(line, fields)
  return manifest.draft
}

type Table = { kind: 'seats' | 'areas'; columns: readonly string[] }

class Manifest {
  readonly draft: Draft
  readonly #problems: ProblemList
  readonly #warnings: ProblemList
  readonly #categoryNo = new Map<string, number>()
  #table: Table | null = null
  #isLost = false

  constructor(name: string, problems: ProblemList, warnings: ProblemList) {
    this.#problems = problems
    this.#warnings = warnings
    this.draft = { name, size: null, seatRadius: null, categories: [], seats: [], areas: [], scenery: [] }
  }

  record(line: number, fields: string[]): void {
    const words = fields.map(field => field.trim().toLowerCase())
    if (isHeader(words, this.#table === null)) this.#header(line, words)
    else if (this.#table) this.#entry(line, fields, this.#table)
    else if (!this.#isLost) {
      // One complaint: without a header every further line would only repeat it.
      this.#isLost = true
      this.#problems.add({ line }, `must be a header: ${headers.seats.join(',')} or ${headers.areas.join(',')}`)
    }
  }

  #header(line: number, words: string[]): void {
    const kind = words.includes('section') ? 'seats' : 'areas'
    const missing = headers[kind].filter(column => !words.includes(column))
    const foreign = words.filter(word => word !== 'attributes' && !headers[kind].includes(word))
    if (missing.length > 0) this.#problems.add({ line }, `the header lacks ${missing.join(', ')}`)
    if (new Set(words).size < words.length) this.#problems.add({ line }, 'the header names a column twice')
    for (const word of foreign) this.#warnings.add({ line }, `column ${quoted(word)} was passed over`)
    this.#isLost = missing.length > 0
    this.#table = this.#isLost ? null : { kind, columns: words }
  }

  #entry(line: number, fields: string[], { kind, columns }: Table): void {
    const field = (column: string) => fields[columns.indexOf(column)] ?? ''
    if (fields.length !== columns.length) {
      this.#problems.add({ line }, `has ${fields.length} fields, the header has ${columns.length}`)
    } else if (kind === 'seats') this.#seat(line, field)
    else this.#area(line, field)
  }

  #seat(line: number, field: (column: string) => string): void {
    const x = this.#coordinate(line, 'x', field('x'))
    const y = this.#coordinate(line, 'y', field('y'))
    this.draft.seats.push({
      place: { line },
      section: this.#label(line, 'section', field('section')),
      row: this.#label(line, 'row', field('row')),
      number: this.#label(line, 'number', field('number')),
      x: x ?? Number.NaN,
      y: y ?? Number.NaN,
      category: this.#category(line, field('price_level')),
      attributes: this.#attributes(line, field('attributes')),
    })
  }

  #area(line: number, field: (column: string) => string): void {
    const areaId = this.#label(line, 'area', field('area'))
    const text = field('capacity').trim()
    const capacity = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (capacity < 1 || capacity > limits.capacityPerArea) {
      this.#problems.add({ line }, `capacity must be a whole number from 1 to ${limits.capacityPerArea}`)
    }
    const category = this.#category(line, field('price_level'))
    this.draft.areas.push({ place: { line }, areaId, name: areaId, capacity, category, shape: null })
  }

  #label(line: number, column: string, text: string): string {
    const read = readLabel(text, limits.seatIdCharacters)
    if ('label' in read) return read.label
    this.#problems.add({ line }, `${column} ${read.reason}`)
    return `?${line}`
  }

  #coordinate(line: number, column: string, text: string): number | null {
    const value = decimal.test(text.trim()) ? Number(text) : Number.NaN
    if (Math.abs(value) <= limits.coordinate) return value
    this.#problems.add({ line }, `${column} must be a number between -${limits.coordinate} and ${limits.coordinate}`)
    return null
  }

  #category(line: number, text: string): number {
    const read = readLabel(text, limits.nameCharacters)
    if (!('label' in read)) {
      this.#problems.add({ line }, `price_level ${read.reason}`)
      return -1
    }
    const known = this.#categoryNo.get(read.label)
    if (known !== undefined) return known
    const no = this.draft.categories.length
    this.#categoryNo.set(read.label, no)
    this.draft.categories.push({ name: read.label, color: palette[no % palette.length]! })
    return no
  }

  /** Words in one cell, parted by blanks, semicolons, bars or (quoted) commas. */
  #attributes(line: number, text: string): string[] {
    const names = text.split(/[\s;|,]+/).filter(name => name !== '')
    const wrong = names.find(name => !isAttributeName(name))
    if (wrong === undefined) return names
    this.#problems.add({ line }, `${quoted(wrong)} must be a name in lower case such as "restricted-view"`)
    return []
  }
}

/** The first line is meant as a header also when it lacks something; later ones only when nothing else can be meant. */
function isHeader(words: readonly string[], isFirst: boolean): boolean {
  if (isFirst) return words.includes('section') || words.includes('area')
  return (
    ['section', 'row', 'number'].every(word => words.includes(word)) || (words[0] === 'area' && words[1] === 'capacity')
  )
}

const headers: Record<Table['kind'], readonly string[]> = {
  seats: ['section', 'row', 'number', 'x', 'y', 'price_level'],
  areas: ['area', 'capacity', 'price_level'],
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** Okabe and Ito's colours: told apart also by people who do not see red and green. */
const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#999999']
