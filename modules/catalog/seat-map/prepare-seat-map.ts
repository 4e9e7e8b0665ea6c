import { brotliCompressSync, constants } from 'node:zlib'
import { encodeSeatMap, hashSeatMap } from './artefact.ts'
import { importManifest, importSeatingPlan } from './import-seat-map.ts'
import type { Problem } from './problems.ts'

/** A file as an organiser sends it. A manifest does not name its map. */
export type SeatMapFile = { kind: 'plan'; bytes: Uint8Array } | { kind: 'manifest'; bytes: Uint8Array; name: string }

/** A map ready to be stored. */
export type PreparedSeatMap = {
  name: string
  seatCount: number
  areaCount: number
  /** Brotli-compressed stored form, and the hash of the uncompressed. */
  geometry: Uint8Array
  geometryHash: Uint8Array
  warnings: Problem[]
}

export type SeatMapPreparation =
  | { ok: true; value: PreparedSeatMap }
  | { ok: false; code: 'invalid-seatmap'; errors: Problem[] }
  | { ok: false; code: 'not-text' }

/** Reads, checks, compiles and packs a file. Takes a second for 80,000 seats: see `prepareInChild`. */
export function prepareSeatMap(file: SeatMapFile): SeatMapPreparation {
  const text = decode(file.bytes)
  const plan = text !== null && file.kind === 'plan' ? parse(text) : null
  if (text === null || plan?.ok === false) return { ok: false, code: 'not-text' }
  const result = file.kind === 'manifest' ? importManifest(text, file.name) : importSeatingPlan(plan?.value)
  if (!result.ok) return result
  const { seatMap, warnings } = result
  const encoded = encodeSeatMap(seatMap)
  const geometry = brotliCompressSync(encoded, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 7, [constants.BROTLI_PARAM_SIZE_HINT]: encoded.length },
  })
  const value = {
    name: seatMap.name,
    seatCount: seatMap.seatCount,
    areaCount: seatMap.areas.length,
    geometry,
    geometryHash: hashSeatMap(encoded),
    warnings,
  }
  return { ok: true, value }
}

/** Strict UTF-8, without a byte order mark. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null // a TypeError, the only one the decoder throws
  }
}

function parse(text: string): { ok: true; value: unknown } | { ok: false } {
  // A plan is nine levels deep. Millions of opening brackets would parse, for half a minute.
  if (isDeeperThan(text, 64)) return { ok: false }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false } // a SyntaxError
  }
}

function isDeeperThan(text: string, levelsMax: number): boolean {
  let levels = 0
  let isInString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isInString) {
      if (code === backslash) i++
      else if (code === quote) isInString = false
    } else if (code === quote) isInString = true
    else if (code === openBracket || code === openBrace) {
      if (++levels > levelsMax) return true
    } else if (code === closeBracket || code === closeBrace) levels--
  }
  return false
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]
