import Stripe from 'stripe'
import { systemClock as clock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { inProcessClient } from '../../sandbox/in-process-client.ts'
import { SandboxProvider } from '../../sandbox/provider.ts'
import { steer } from '../../sandbox/steering.ts'
import { createStripeProvider } from '../stripe-provider.ts'
import { providerContract } from './stripe-provider.contract.ts'

providerContract('in process', async () => {
  const keys = { secretKey: 'sk_test_in_process', publishableKey: 'pk_test_in_process' }
  const sandbox = new SandboxProvider({ clock, random: systemRandom(), keys, origin: () => 'http://sandbox' })
  const httpClient = inProcessClient(sandbox)
  const client = (key: string) => new Stripe(key, { httpClient, maxNetworkRetries: 0, telemetry: false })
  return {
    provider: createStripeProvider({
      ...keys,
      installation: 'ours',
      webhookSecrets: () => [],
      httpClient,
      timeoutMs: 1000,
      clock,
    }),
    buyer: client(keys.publishableKey),
    merchant: client(keys.secretKey),
    steer: async body => steer(sandbox.steering, body),
    clock,
  }
})
