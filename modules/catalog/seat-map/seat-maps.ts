import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { assert } from '#kernel/assert.ts'
import { type SeatMapId, toUuid } from '#kernel/ids.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { decodeSeatMap } from './artefact.ts'
import type { SeatMap } from './seat-map.ts'

/**
 * Stored maps, decoded. Equal geometry is one object however many events and imports it serves, and it lives only as long as
 * somebody uses it: the events' definitions hold the maps, this only knows where they are.
 */
export class SeatMaps {
  readonly #db: Queryable
  readonly #byHash = new Map<string, Promise<WeakRef<SeatMap>>>()

  constructor(db: Queryable) {
    this.#db = db
  }

  /** The map and the name of its geometry (hex), or null when there is no such map. */
  async get(seatMapId: SeatMapId): Promise<{ seatMap: SeatMap; geometryHash: string } | null> {
    const { rows } = await this.#db.query<{ hash: string }>(
      `select encode(geometry_hash, 'hex') as hash from holdfast.seatmaps where seatmap_id = $1`,
      [toUuid(seatMapId)],
    )
    const geometryHash = rows[0]?.hash
    if (geometryHash === undefined) return null
    // A map may be collected between two looks, hence the loop; the second look has just loaded it.
    for (;;) {
      const seatMap = (await (this.#byHash.get(geometryHash) ?? this.#load(geometryHash, seatMapId))).deref()
      if (seatMap) return { seatMap, geometryHash }
      this.#byHash.delete(geometryHash)
    }
  }

  #load(geometryHash: string, seatMapId: SeatMapId): Promise<WeakRef<SeatMap>> {
    const loading = this.#read(seatMapId).then(seatMap => new WeakRef(seatMap))
    this.#byHash.set(geometryHash, loading)
    loading.catch(() => this.#byHash.delete(geometryHash)) // the caller hears of it; the next one tries again
    return loading
  }

  async #read(seatMapId: SeatMapId): Promise<SeatMap> {
    const { rows } = await this.#db.query<{ geometry: Buffer }>(
      'select geometry from holdfast.seatmaps where seatmap_id = $1',
      [toUuid(seatMapId)],
    )
    assert(rows[0], 'a stored seat map is never deleted')
    const encoded = await decompress(rows[0].geometry)
    return decodeSeatMap(encoded.toString('utf8'))
  }
}

const decompress = promisify(brotliDecompress)
