export { eventOf } from '../provider/stripe-objects.ts'
export { directProvider, type ProviderEndpoint } from '../sandbox/direct-provider.ts'
export { paymentStatements } from './statements.ts'
export { type PaymentRow, paymentEvents, payments, refunds } from './tables.ts'
