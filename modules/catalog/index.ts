import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Database, Tx } from '#platform/postgres/database.ts'
import type { EventDefinition } from './events/event-definition.ts'
import { EventDefinitions } from './events/event-definitions.ts'
import { setSeatPriceLevels } from './events/set-seat-price-levels.ts'
import { GeometryBodies } from './geometry/geometry-bodies.ts'
import { importRoute } from './http/import-route.ts'
import { organizerRoutes } from './http/organizer-routes.ts'
import { publicRoutes } from './http/public-routes.ts'
import type { CatalogPorts } from './ports.ts'
import { RecentLists } from './search/recent-lists.ts'
import { SeatMaps } from './seat-map/seat-maps.ts'

export { importDemo } from './demo/import-demo.ts'
export type { EventDefinition } from './events/event-definition.ts'
export { SeatMap } from './seat-map/seat-map.ts'
export { selectSeats } from './seat-map/select-seats.ts'

export type CatalogOptions = {
  /** The primary: definitions decide sales. */
  db: Database
  /** For list and search; may be a replica. */
  readDb: Database
  clock: Clock
  random: Random
  idempotently: Idempotently
  ports: CatalogPorts
}

export type Catalog = {
  routes: Routes
  definitions: EventDefinitions
  /** The price-level part of seats:bulk, in the transaction that has locked the seats. */
  setSeatPriceLevels(
    tx: Tx,
    event: EventDefinition,
    change: { seatNos: readonly number[]; priceLevel: string },
  ): ReturnType<typeof setSeatPriceLevels>
}

/** Venues, seat maps, events and what their seats cost. */
export function createCatalog(options: CatalogOptions): Catalog {
  const { db, readDb, clock, ports } = options
  const seatMaps = new SeatMaps(db)
  const definitions = new EventDefinitions({ db, seatMaps, clock })
  const lists = new RecentLists({ db: readDb, clock })
  const mounted = [
    publicRoutes({ definitions, lists, geometry: new GeometryBodies() }),
    organizerRoutes({ ...options, ...ports, definitions, lists, seatMaps }),
    importRoute(options),
  ]
  return {
    routes: app => {
      for (const mount of mounted) mount(app)
    },
    definitions,
    setSeatPriceLevels: (tx, event, change) => setSeatPriceLevels(tx, ports, event, change),
  }
}
