import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Job } from '#platform/jobs/periodic.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { loadSigningKeys, type SigningKeys } from './code/signing-keys.ts'
import { type TicketRoutesDeps, ticketRoutes } from './http.ts'
import { ticketDesk } from './issue-tickets.ts'

export {
  doorKeysOf,
  fromDoorKeys,
  loadSigningKeys,
  readSigningKeys,
  rotateSigningKeys,
  type SigningKeys,
} from './code/signing-keys.ts'
export { payloadOf, signTicket, verifyTicket } from './code/ticket-code.ts'
export type { EventOfTicket } from './http.ts'
export { ticketDesk } from './issue-tickets.ts'
export { ticketsOfReservation } from './tickets.sql.ts'

export type TicketsOptions = {
  db: Queryable
  clock: Clock
  random: Random
  /** Where the signing keys are; the first is made there. */
  keysFolder: string
} & Pick<TicketRoutesDeps, 'eventOf' | 'eventNoOf' | 'opensReservation'>

export type Tickets = {
  routes: Routes
  jobs: readonly Job[]
  desk: ReturnType<typeof ticketDesk>
  /** All tickets of a reservation as pages to print. */
  printOrder: ReturnType<typeof ticketRoutes>['printOrder']
}

const lookAtKeysMs = 30_000

/** Tickets: signed where they are sold, drawn where they are looked at. */
export async function createTickets(options: TicketsOptions): Promise<Tickets> {
  const source = { folder: options.keysFolder, random: options.random }
  let keys: SigningKeys = await loadSigningKeys(source)
  const { mount, printOrder } = ticketRoutes({ ...options, keys: () => keys })
  return {
    routes: mount,
    printOrder,
    jobs: [
      {
        // A rotation by the command line, or by another process that shares the folder.
        name: 'look-at-ticket-keys',
        everyMs: lookAtKeysMs,
        async run() {
          keys = await loadSigningKeys(source)
          return 'dry'
        },
      },
    ],
    desk: ticketDesk({ ...options, currentKey: () => keys.current }),
  }
}
