export { absentProvider } from './absent-provider.ts'
export {
  type EventEnd,
  endEvent,
  retryEvent,
  type StoredEvent,
  storeEvents,
  takeStoredEvents,
  waitingEvents,
} from './inbox.sql.ts'
export { readInstallation } from './installation.sql.ts'
export { insertLostPayment } from './lost-payment.sql.ts'
export { isOpen, type PaymentRecord, type PaymentStatus } from './payment.ts'
export {
  bindRef,
  findPayment,
  findPaymentByRef,
  findPaymentOf,
  findPaymentsByRef,
  insertPayment,
  lockPaymentOf,
  lookAgain,
  lookSooner,
  movePayment,
  noteCreateSent,
  noteDecline,
  noteQueued,
  overduePayments,
  planLook,
  requestCancel,
  takeDuePayments,
} from './payments.sql.ts'
export {
  type CreateIntent,
  type Intent,
  isAnothers,
  type PaymentProvider,
  type ProviderEvent,
  ProviderRefusal,
} from './ports.ts'
export { isChargeable } from './provider/currencies.ts'
export { paced } from './provider/paced-lane.ts'
export { createStripeProvider } from './provider/stripe-provider.ts'
export { leaseCursor, moveCursor } from './provider-cursor.sql.ts'
export {
  endRefund,
  insertRefund,
  oldestPendingRefund,
  type RefundId,
  type RefundReason,
  type RefundRecord,
  refundsOf,
  retryRefund,
  takeDueRefunds,
} from './refunds.sql.ts'
export { liveSecrets, readCredentials, type SandboxCredentials } from './sandbox/credentials.ts'
export { inProcessClient } from './sandbox/in-process-client.ts'
export { type LivingSandbox, livingSandbox, SandboxRuns } from './sandbox/living.ts'
export { SandboxProvider } from './sandbox/provider.ts'
export { runSandbox } from './sandbox/run-sandbox.ts'
export { webhookRoutes } from './webhook.ts'
