/** What staff decided, and what the public is told. Words of the wire and of `holdfast.event_status`. */
export const eventStatuses = ['draft', 'scheduled', 'onsale', 'paused', 'ended', 'cancelled'] as const
export type EventStatus = (typeof eventStatuses)[number]

export const saleActions = ['schedule', 'open', 'pause', 'resume', 'close'] as const
export type SaleAction = (typeof saleActions)[number]

/**
 * From where an action is possible, and where it leads. Nothing leads back to `draft`: what the public has seen does not
 * vanish. `ended` and `cancelled` are final; cancelling also refunds, so it is not an action of the sale.
 */
const transitions: Record<SaleAction, { from: readonly EventStatus[]; to: EventStatus }> = {
  schedule: { from: ['draft', 'scheduled'], to: 'scheduled' },
  open: { from: ['draft', 'scheduled'], to: 'onsale' },
  pause: { from: ['onsale'], to: 'paused' },
  resume: { from: ['paused'], to: 'onsale' },
  close: { from: ['scheduled', 'onsale', 'paused'], to: 'ended' },
}

export function transitionOf(action: SaleAction): { from: readonly EventStatus[]; to: EventStatus } {
  return transitions[action]
}

export function allowedActions(status: EventStatus): SaleAction[] {
  return saleActions.filter(action => transitions[action].from.includes(status))
}

/** A scheduled event is on sale from its moment on, by database time. All times in milliseconds since 1970. */
export function statusAt(event: { status: EventStatus; onsaleAt: number | null }, now: number): EventStatus {
  return event.status === 'scheduled' && event.onsaleAt !== null && event.onsaleAt <= now ? 'onsale' : event.status
}

/** Milliseconds until the status changes by itself, or null when it does not. */
export function untilStatusChanges(
  event: { status: EventStatus; onsaleAt: number | null },
  now: number,
): number | null {
  return event.status === 'scheduled' && event.onsaleAt !== null && event.onsaleAt > now ? event.onsaleAt - now : null
}
