import { limits, readLabel } from './draft.ts'
import { entryOf } from './entry.ts'
import type { ProblemList } from './problems.ts'
import type { Point, Size } from './shape.ts'

/** Where a reader's findings go; members that nobody knows are told once per name, with how often. */
export class Findings {
  readonly problems: ProblemList
  readonly warnings: ProblemList
  readonly #foreign = new Map<ReadonlySet<string>, Map<string, { path: string; times: number }>>()

  constructor(problems: ProblemList, warnings: ProblemList) {
    this.problems = problems
    this.warnings = warnings
  }

  noteForeign(kind: ReadonlySet<string>, name: string, path: string): void {
    const names = entryOf(this.#foreign, kind, () => new Map<string, { path: string; times: number }>())
    const seen = names.get(name)
    if (seen) seen.times++
    else if (names.size < foreignNamesMax) names.set(name, { path, times: 1 })
  }

  warnOfForeignMembers(): void {
    for (const names of this.#foreign.values()) {
      for (const [name, { path, times }] of names) {
        const often = times > 1 ? ` (${times} times, the first here)` : ''
        this.warnings.add({ path }, `${quoted(name)} is not part of the format and was passed over${often}`)
      }
    }
  }
}

/** An object of the file, or null after its absence was told. */
export function readObject(value: unknown, path: string, known: ReadonlySet<string>, findings: Findings) {
  if (isObject(value)) return new PlanObject(value, path, known, findings)
  findings.problems.add({ path }, value === undefined ? 'is missing' : 'must be an object')
  return null
}

/**
 * Typed reading of parsed JSON that nobody vouches for. Every reader returns null after it has told the problem, so that the
 * caller carries on with the rest. Members are only looked up by names we know, never copied: `__proto__` is a member like
 * any other that is passed over. Paths are put together only when there is something to tell.
 */
export class PlanObject {
  readonly path: string
  readonly #members: Record<string, unknown>
  readonly #findings: Findings

  constructor(members: Record<string, unknown>, path: string, known: ReadonlySet<string>, findings: Findings) {
    this.#members = members
    this.path = path
    this.#findings = findings
    for (const name in members) if (!known.has(name)) findings.noteForeign(known, name, path)
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  problem(name: string, message: string): null {
    this.#findings.problems.add({ path: name === '' ? this.path : this.pathOf(name) }, message)
    return null
  }

  object(name: string, known: ReadonlySet<string>): PlanObject | null {
    return readObject(this.#value(name), this.pathOf(name), known, this.#findings)
  }

  array(name: string): readonly unknown[] | null {
    const value = this.#value(name)
    return Array.isArray(value) ? value : this.#wrong(name, 'an array')
  }

  /** An array of objects, each with its path; what is none is told and left out. */
  *objects(name: string, known: ReadonlySet<string>): Generator<[number, PlanObject]> {
    for (const [no, value] of (this.array(name) ?? []).entries()) {
      const object = readObject(value, `${this.pathOf(name)}[${no}]`, known, this.#findings)
      if (object) yield [no, object]
    }
  }

  text(name: string, charactersMax: number): string | null {
    const value = this.#value(name)
    if (typeof value !== 'string') return this.#wrong(name, 'a string')
    if (value.length <= charactersMax && value.isWellFormed() && !value.includes('\0')) return value
    return this.problem(name, `must be text of at most ${charactersMax} characters`)
  }

  /** A name in its one form: NFC and trimmed, printable. */
  label(name: string, charactersMax: number): string | null {
    const value = this.#value(name)
    if (typeof value !== 'string') return this.#wrong(name, 'a string')
    const read = readLabel(value, charactersMax)
    return 'label' in read ? read.label : this.problem(name, read.reason)
  }

  coordinate(name: string): number | null {
    const value = this.#value(name)
    if (typeof value !== 'number') return this.#wrong(name, 'a number')
    if (Math.abs(value) <= limits.coordinate) return value
    return this.problem(name, `must lie between -${limits.coordinate} and ${limits.coordinate}`)
  }

  /** A number above zero. */
  length(name: string): number | null {
    const length = this.coordinate(name)
    return length === null || length > 0 ? length : this.problem(name, 'must be greater than 0')
  }

  /** A whole number from 1 to `max`. */
  count(name: string, max: number): number | null {
    const value = this.#value(name)
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number
    return this.problem(name, `must be a whole number from 1 to ${max}`)
  }

  position(name: string): Point | null {
    const position = this.object(name, pointMembers)
    if (!position) return null
    const x = position.coordinate('x')
    const y = position.coordinate('y')
    return x === null || y === null ? null : { x, y }
  }

  size(name: string): Size | null {
    const size = this.object(name, sizeMembers)
    if (!size) return null
    const width = size.length('width')
    const height = size.length('height')
    return width === null || height === null ? null : { width, height }
  }

  /** A colour is for drawing only, so a strange one is left out instead of refused; it must never become markup. */
  color(name: string): string | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value === 'string' && cssColor.test(value)) return value
    this.#findings.warnings.add({ path: this.pathOf(name) }, 'is not a colour and was left out')
    return undefined
  }

  /** Null counts as absent: some programs write every member. */
  #value(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined
  }

  #wrong(name: string, wanted: string): null {
    return this.problem(name, this.#value(name) === undefined ? 'is missing' : `must be ${wanted}`)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text of the file in a message, cut to a length that can be read. */
export function quoted(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`.toWellFormed()
}

const pointMembers: ReadonlySet<string> = new Set(['x', 'y'])
const sizeMembers: ReadonlySet<string> = new Set(['width', 'height'])
const cssColor = /^(#[0-9a-f]{3,8}|[a-z]{3,32}|(rgb|hsl)a?\([\d\s.,%/deg]{5,48}\))$/i
const foreignNamesMax = 50
