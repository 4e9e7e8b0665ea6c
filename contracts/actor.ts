import type { UserId } from '#kernel/ids.ts'

/** Roles of an installation, from the least to the most. A guest has a token and no row. */
export const actorRoles = ['guest', 'customer', 'door', 'support', 'finance', 'organizer', 'admin'] as const
export type ActorRole = (typeof actorRoles)[number]

/** Who is asking, as identity established it. The other modules need to know no more. */
export type Actor = { userId: UserId; role: ActorRole }
