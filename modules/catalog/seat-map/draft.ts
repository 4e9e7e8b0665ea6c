import type { Place } from './problems.ts'
import type { Category } from './seat-map.ts'
import type { Shape, Size } from './shape.ts'

/** What both readers (plan and manifest) hand to the checks and the compiler: every seat and area in document order. */
export interface Draft {
  name: string
  /** Null when the file does not say: the compiler takes what the seats need. */
  size: Size | null
  seatRadius: number | null
  categories: Category[]
  seats: DraftSeat[]
  areas: DraftArea[]
  scenery: Shape[]
}

export interface DraftSeat {
  place: Place
  section: string
  row: string
  number: string
  /** From the map's origin. */
  x: number
  y: number
  /** Index into `categories`, -1 when the file names one that does not exist. */
  category: number
  attributes: readonly string[]
}

export interface DraftArea {
  place: Place
  areaId: string
  name: string
  capacity: number
  category: number
  shape: Shape | null
}

export const limits = {
  seats: 100_000,
  areas: 1_000,
  capacityPerArea: 100_000,
  /** Price levels are kept in a byte per seat. */
  categories: 255,
  sections: 2_000,
  /** A coordinate further out than this loses its decimals as a 32-bit float. */
  coordinate: 100_000,
  nameCharacters: 200,
  seatIdCharacters: 64,
} as const

/**
 * The text as it is stored and compared (NFC, trimmed), or the reason why it cannot be a label. Invisible characters are
 * refused: two labels that look the same must be the same.
 */
export function readLabel(text: string, charactersMax: number): { label: string } | { reason: string } {
  if (text.length <= charactersMax && plainAscii.test(text)) return { label: text }
  const label = text.trim().normalize('NFC')
  if (label === '') return { reason: 'must not be empty' }
  if (isLongerThan(label, charactersMax)) return { reason: `must not be longer than ${charactersMax} characters` }
  if (unprintable.test(label)) return { reason: 'must consist of printable characters' }
  return { label }
}

/** Counts characters as a reader of the wire does: code points, not UTF-16 units. */
export function isLongerThan(text: string, charactersMax: number): boolean {
  return text.length > charactersMax && (text.length > charactersMax * 2 || [...text].length > charactersMax)
}

/** The common case: already trimmed, normal and printable. */
const plainAscii = /^[!-~](?:[ -~]*[!-~])?$/
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u
