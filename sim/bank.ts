import { type ProviderEvent, SandboxProvider } from '#payments'
import { eventOf } from '#payments/memory'
import type { Chance } from './chance.ts'
import type { Timeline } from './timeline.ts'
import type { Weather } from './weather.ts'

export const bankKeys = { secretKey: 'sk_test_sim', publishableKey: 'pk_test_sim' }

type Answer = ReturnType<SandboxProvider['handle']>
type Intent = Awaited<ReturnType<SandboxProvider['tables']['intents']['get']>>

/** The provider and the buyers' banks: the sandbox, its webhooks, and the page that takes the card. */
export class Bank {
  readonly sandbox: SandboxProvider
  readonly #timeline: Timeline
  readonly #chance: Chance
  readonly #deliver: (event: ProviderEvent) => Promise<boolean>
  readonly #reached: (what: string) => void
  #weather: Weather
  /** Intents whose money somebody took in the provider's pages. */
  readonly byHand = new Set<string>()
  /** Webhooks on their way. */
  inTransit = 0

  constructor(options: {
    timeline: Timeline
    chance: Chance
    weather: Weather
    /** Hands a webhook to the box office; false: it answered with an error. */
    deliver: (event: ProviderEvent) => Promise<boolean>
    reached: (what: string) => void
  }) {
    const { timeline, chance, weather, deliver, reached } = options
    this.#timeline = timeline
    this.#chance = chance
    this.#weather = weather
    this.#deliver = deliver
    this.#reached = reached
    this.sandbox = new SandboxProvider({
      clock: timeline,
      random: chance,
      keys: bankKeys,
      origin: () => 'https://bank.example',
    })
    this.sandbox.steering.processing_ms = 20_000
  }

  set weather(weather: Weather) {
    this.#weather = weather
  }

  /** Lets the sandbox do something, and sends what it tells. */
  handle(work: () => Answer): Answer {
    const answer = work()
    this.#send(answer.records)
    return answer
  }

  /** Banks make up their minds, authorisations end. */
  elapse(): void {
    this.#send(this.sandbox.elapse())
  }

  /** The buyer types a card. What the page shows then: the status of the intent, or the error. */
  confirm(ref: string, clientSecret: string, card: string): string {
    const { body } = this.handle(() =>
      this.sandbox.handle({
        method: 'POST',
        path: `/v1/payment_intents/${ref}/confirm`,
        query: {},
        body: { client_secret: clientSecret, payment_method: card },
        headers: { authorization: `Bearer ${bankKeys.publishableKey}` },
      }),
    )
    const said = body as { status?: string; error?: { code?: string } }
    if (said.status === 'requires_capture' && this.#chance.happens(this.#weather.capturedByHand))
      this.#timeline.start(() => this.#captureByHand(ref))
    return said.status ?? said.error?.code ?? 'refused'
  }

  /** Somebody in the provider's pages, who takes the money at any time, and sometimes only a part of it. */
  async #captureByHand(ref: string): Promise<void> {
    await this.#timeline.sleep(this.#chance.between(0, this.#chance.any([0, 0, 5000, 400_000])))
    this.byHand.add(ref)
    const part: Record<string, string> = this.#chance.happens(0.2) ? { amount_to_capture: '100' } : {}
    this.handle(() =>
      this.sandbox.handle({
        method: 'POST',
        path: `/v1/payment_intents/${ref}/capture`,
        query: {},
        body: part,
        headers: { authorization: `Bearer ${bankKeys.secretKey}` },
      }),
    )
  }

  authenticate(ref: string, succeeds: boolean): void {
    this.#send(this.sandbox.authenticate(ref, succeeds))
  }

  intents(): NonNullable<Intent>[] {
    return [...this.sandbox.tables.intents.values()]
  }

  #send(records: Answer['records']): void {
    for (const record of records) {
      if (record.table !== 'events') continue
      const event = eventOf(record.row as never)
      const { lost, copiesMax, delayMsMax } = this.#weather.webhooks
      if (this.#chance.happens(lost)) {
        this.#reached('webhook lost')
        continue
      }
      const copies = 1 + this.#chance.int(copiesMax)
      if (copies > 1) this.#reached('webhook copied')
      for (let copy = 0; copy < copies; copy++)
        this.#timeline.start(() => this.#post(event, this.#chance.fraction() ** 3 * delayMsMax))
    }
  }

  /** As Stripe: again, later and later, until it is taken. */
  async #post(event: ProviderEvent, afterMs: number): Promise<void> {
    this.inTransit++
    await this.#timeline.sleep(afterMs)
    for (let pauseMs = 60_000; !(await this.#deliver(event)) && pauseMs < 3_600_000; pauseMs *= 5)
      await this.#timeline.sleep(pauseMs)
    this.inTransit--
  }
}
