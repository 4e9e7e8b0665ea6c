import { RetryableFault } from '#kernel/faults.ts'
import type { PaymentProvider } from './ports.ts'

/** Where nobody takes payments: checkout says so, holds run out, and what is free of charge can be had. */
export function absentProvider(): PaymentProvider & {
  waitMs(): number
  perEndpoint: number
  breaker(): 'closed'
} {
  const away = () =>
    Promise.reject(new RetryableFault('this installation takes no payments', { retryAfterSeconds: 60 }))
  return {
    name: 'none',
    id: 'none',
    installation: '',
    publishableKey: '',
    isLive: false,
    perEndpoint: 25,
    create: away,
    retrieve: away,
    capture: away,
    cancel: away,
    refund: away,
    refundsOf: away,
    list: async () => ({ items: [], hasMore: false }),
    events: async () => ({ items: [], hasMore: false }),
    readWebhook: () => null,
    waitMs: () => 3_600_000,
    breaker: () => 'closed',
  }
}
