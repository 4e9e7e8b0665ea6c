import type { ActorRole } from '#contracts/actor.ts'

export type Role = ActorRole | 'anonymous'

/**
 * Who may do what, written down here once and held against every answer in both directions. `call`: everybody, whoever has a token, or
 * these roles (an administrator always may). `sees`: roles to which objects of others are open; to all others they are not there.
 */
type Right = { call: 'everybody' | 'known' | readonly ActorRole[]; sees: readonly ActorRole[] }

const organizers = ['organizer'] as const
const lookers = ['support', 'organizer'] as const
const ticketLookers = ['support', 'organizer', 'finance'] as const
const everybody = { call: 'everybody', sees: [] } as const
const own = { call: 'known', sees: [] } as const
const byOrganizers = { call: organizers, sees: organizers } as const

export const rights: Record<string, Right> = {
  getConfig: everybody,
  openGuestSession: everybody,
  signUp: everybody,
  logIn: everybody,
  getMe: own,
  createStaff: { call: ['admin'], sees: ['admin'] },
  changeStaff: { call: ['admin'], sees: ['admin'] },
  listEvents: everybody,
  // Drafts are objects of the organisers.
  getEvent: { call: 'everybody', sees: organizers },
  getSeatMap: { call: 'everybody', sees: organizers },
  getAvailability: everybody,
  listSeats: everybody,
  getSnapshot: everybody,
  streamAvailability: everybody,
  getDoorKeys: everybody,
  createVenue: byOrganizers,
  importSeatMap: byOrganizers,
  createEvent: byOrganizers,
  changeEvent: byOrganizers,
  changeSale: byOrganizers,
  changeSeats: byOrganizers,
  auditEvent: { call: ['organizer', 'finance', 'support'], sees: ['organizer', 'finance', 'support'] },
  getFigures: byOrganizers,
  streamFigures: byOrganizers,
  holdSeats: own,
  listMyReservations: own,
  listMyTickets: own,
  extendReservation: own,
  cancelReservation: own,
  checkOut: own,
  // With the text of an `access_url` instead of a token, for that reservation alone.
  getReservation: { call: 'known', sees: lookers },
  streamReservation: { call: 'known', sees: lookers },
  getTicket: { call: 'known', sees: ticketLookers },
  printTickets: { call: 'known', sees: ticketLookers },
  refundReservation: { call: ['finance'], sees: ['finance'] },
  receiveWebhook: everybody,
}

export function mayCall(operation: string, role: Role): boolean {
  const { call } = rights[operation]!
  if (call === 'everybody') return true
  if (role === 'anonymous') return false
  return call === 'known' || role === 'admin' || call.includes(role)
}

export function maySeeForeign(operation: string, role: Role): boolean {
  if (role === 'anonymous') return false
  const { sees } = rights[operation]!
  return sees.includes(role) || (role === 'admin' && sees.length > 0)
}
