import type { Role } from '#platform/config/options.ts'

/**
 * Which routes and jobs each role brings. All roles in one process is the default; apart, they scale and fail apart. Every
 * process has the operations routes and follows the change feed if it serves buyers.
 */
export const roleTable = {
  api: {
    routes: [
      'identity',
      'catalog',
      'availability',
      'reservations',
      'checkout',
      'tickets',
      'notifications',
      'sale-control',
      'reports',
    ],
    jobs: ['change-feed', 'reservation-streams', 'keys'],
  },
  webhooks: { routes: ['webhooks'], jobs: ['keys'] },
  gate: { routes: [], jobs: [] },
  relay: { routes: [], jobs: ['relay'] },
  worker: { routes: [], jobs: ['expiry', 'payments', 'mail', 'keys', 'audit', 'housekeeping'] },
} as const satisfies Record<Role, { routes: readonly string[]; jobs: readonly string[] }>

export type RouteGroup = (typeof roleTable)[Role]['routes'][number]
export type JobGroup = (typeof roleTable)[Role]['jobs'][number]

export function routesOf(roles: readonly Role[]): Set<RouteGroup> {
  return new Set(roles.flatMap(role => [...roleTable[role].routes]))
}

export function jobsOf(roles: readonly Role[]): Set<JobGroup> {
  return new Set(roles.flatMap(role => [...roleTable[role].jobs]))
}
