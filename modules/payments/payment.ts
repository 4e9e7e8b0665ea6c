import type { PaymentId, ReservationId, UserId } from '#kernel/ids.ts'

/**
 * Where a payment stands. A decline leaves it `open`: the second card works. `capturing` is committed before the provider is asked
 * to capture, so that a crash between the two is found and finished.
 */
export const paymentStatuses = [
  'open',
  'processing',
  'authorized',
  'capturing',
  'captured',
  'cancelled',
  'refund_pending',
  'partly_refunded',
  'refunded',
  'quarantined',
] as const
export type PaymentStatus = (typeof paymentStatuses)[number]

/** What a payment may become; later or stale news of the provider never moves it back. */
export const paymentTransitions: Record<PaymentStatus, readonly PaymentStatus[]> = {
  open: ['processing', 'capturing', 'captured', 'cancelled', 'refund_pending', 'quarantined'],
  processing: ['open', 'capturing', 'captured', 'cancelled', 'refund_pending', 'quarantined'],
  authorized: ['capturing', 'captured', 'cancelled', 'refund_pending', 'quarantined'],
  capturing: ['captured', 'cancelled', 'refund_pending', 'quarantined'],
  captured: ['refund_pending'],
  cancelled: ['capturing', 'captured', 'refund_pending', 'quarantined'],
  refund_pending: ['partly_refunded', 'refunded', 'captured'],
  partly_refunded: ['refund_pending'],
  // A refund that was carried out may fail at the buyer's bank days later.
  refunded: ['refund_pending'],
  quarantined: ['refund_pending'],
}

/** The provider's last word is still to come. */
export function isOpen(status: PaymentStatus): boolean {
  return status === 'open' || status === 'processing' || status === 'authorized' || status === 'capturing'
}

export type PaymentRecord = {
  eventNo: number
  paymentId: PaymentId
  reservationId: ReservationId
  userId: UserId
  provider: string
  providerRef: string | null
  amount: number
  currency: string
  /** Null for money of a sale that a restore has forgotten. */
  email: string | null
  name: string
  status: PaymentStatus
  revision: number
  capturedAmount: number
  late: boolean
  quarantineReason: string | null
  createSentAt: number | null
  queuedAt: number | null
  cancelRequestedAt: number | null
  nextLookAt: number | null
  looks: number
  traceparent: string | null
  createdAt: number
}
