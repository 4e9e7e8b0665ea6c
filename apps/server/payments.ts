import { resolve } from 'node:path'
import type { PacedProvider } from '#checkout'
import type { Clock } from '#kernel/clock.ts'
import { absentProvider, createStripeProvider, paced } from '#payments'
import type { Config } from '#platform/config/config.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { PublicConfig } from './operations.ts'
import { startSandboxProcess } from './sandbox-process.ts'

export type Paying = {
  provider: PacedProvider
  publicConfig: PublicConfig['payments']
  sandboxUrl: string | null
  /** Where webhooks come in; told to the sandbox, which has nobody to set it up. */
  setWebhookUrl(url: string): Promise<void>
  stop(): Promise<void>
}

/** Below the deadline of a request, so that a buyer is told while they still listen. */
const timeoutMs = 6000

/** Who takes the money: Stripe if its keys are set, otherwise the sandbox, or nobody. */
export async function openPayments(options: {
  config: Config
  logger: Logger
  metrics: Metrics
  clock: Clock
  /** See `readInstallation`. */
  installation: string
}): Promise<Paying> {
  const { config, logger, metrics, clock, installation } = options
  const nothing = { setWebhookUrl: async () => {}, stop: async () => {}, sandboxUrl: null }
  const {
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_PUBLISHABLE_KEY: publishableKey,
    STRIPE_WEBHOOK_SECRET: secrets,
  } = config
  if (secretKey !== undefined) {
    const webhookSecrets = secrets!.split(',').map(secret => secret.trim())
    const provider = paced(
      createStripeProvider({
        installation,
        secretKey,
        publishableKey: publishableKey!,
        webhookSecrets: () => webhookSecrets,
        timeoutMs,
        clock,
      }),
      { clock, metrics },
    )
    return {
      ...nothing,
      provider,
      publicConfig: { provider: 'stripe', publishable_key: publishableKey!, sandbox_url: null },
    }
  }
  if (!config.HOLDFAST_SANDBOX) return { ...nothing, provider: absentProvider(), publicConfig: null }

  const data = resolve(config.HOLDFAST_DATA)
  const sandbox = await startSandboxProcess({ data, port: config.HOLDFAST_SANDBOX_PORT, logger })
  const { secret_key, publishable_key } = sandbox.credentials
  const provider = paced(
    createStripeProvider({
      installation,
      secretKey: secret_key,
      publishableKey: publishable_key,
      webhookSecrets: sandbox.webhookSecrets,
      origin: sandbox.origin,
      timeoutMs,
      clock,
    }),
    { clock, metrics },
  )
  return {
    provider,
    publicConfig: { provider: 'stripe', publishable_key, sandbox_url: sandbox.origin },
    sandboxUrl: sandbox.origin,
    setWebhookUrl: sandbox.setWebhookUrl,
    stop: sandbox.stop,
  }
}
