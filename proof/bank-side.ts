import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Api } from '../fans/api.ts'
import type { Question } from '../fans/questions.ts'
import { send } from '../test/harness/process-tree.ts'

export type BankIntent = { id: string; status: string; amount_received: number; metadata: Record<string, string> }
export type BankRefund = { id: string; payment_intent: string; amount: number; status: string }
export type BankEvent = { id: string; type: string; data: { object: { id: string; payment_intent?: string | null } } }

/** Longer than any outage that is played. */
const insistMsMax = 300_000

type Secrets = { secret_key: string; webhook_secrets: { secret: string }[] }

/** What only the bank knows and only its owner may do: its lists, its pages, when its webhooks go out. Asks until it answers. */
export type BankSide = {
  /** `POST /sandbox/steer`. */
  steer(body: object): Promise<Answer>
  rotateSecret(options: { overlapSeconds: number }): Promise<Answer>
  /** The secret that signs now. */
  signingSecret(): Promise<string>
  intents(): Promise<BankIntent[]>
  refunds(): Promise<BankRefund[]>
  /** @param since seconds since 1970 */
  events(since: number): Promise<BankEvent[]>
  /** What was given back, by intent. */
  givenBack(): Promise<Map<string, number>>
  /** Takes the money of an authorised intent, as a person does in the bank's pages. */
  captureByHand(ref: string): Promise<Answer>
  /** Sends an event once more, now. */
  resend(eventId: string): Promise<Answer>
  /** Its process dies at whatever it does. */
  kill(): Promise<void>
  /** How many webhooks are still to go out. */
  waiting(): Promise<number>
  /** Of the webhooks answered with a yes: how many, how soon, and how late the bank itself was. */
  acknowledgements(): Promise<{ count: number; p50_ms: number; p99_ms: number; own_delay_p99_ms: number }>
}

/** @param folder of the server that the bank works for */
export function bankSide(api: Api, { url, folder }: { url: string; folder: string }): BankSide {
  const insist = async (question: Question): Promise<Answer> => {
    for (const until = performance.now() + insistMsMax; ; ) {
      const answer = await api(url, question)
      if (answer.status !== 0 && answer.status !== 429 && answer.status < 500) return answer
      if (performance.now() > until)
        throw new Error(
          `the bank does not answer: ${question.path} with ${answer.status} after ${insistMsMax / 1000} s`,
        )
      await sleep(answer.retryAfterMs ?? 300)
    }
  }
  const secrets = async () => JSON.parse(await readFile(join(folder, 'sandbox/credentials.json'), 'utf8')) as Secrets

  async function listOf<Row extends { id: string }>(path: string, where = ''): Promise<Row[]> {
    const { secret_key } = await secrets()
    const rows: Row[] = []
    for (;;) {
      const after = rows.length === 0 ? '' : `&starting_after=${rows.at(-1)!.id}`
      const { status, body } = await insist({ path: `${path}?limit=100${where}${after}`, basic: secret_key })
      if (status !== 200) throw new Error(`the bank does not list its ${path}: ${status}`)
      rows.push(...(body.data as Row[]))
      if (!body.has_more) return rows
    }
  }

  const refunds = () => listOf<BankRefund>('/v1/refunds')
  return {
    steer: body => insist({ path: '/sandbox/steer', body }),
    rotateSecret: ({ overlapSeconds }) =>
      insist({ path: '/sandbox/endpoints/rotate-secret', body: { overlap_seconds: overlapSeconds } }),
    signingSecret: async () => (await secrets()).webhook_secrets[0]!.secret,
    intents: () => listOf('/v1/payment_intents'),
    refunds,
    events: since => listOf('/v1/events', `&created[gte]=${since}`),
    async givenBack() {
      const given = new Map<string, number>()
      for (const { payment_intent: ref, amount, status } of await refunds())
        if (status === 'succeeded') given.set(ref, (given.get(ref) ?? 0) + amount)
      return given
    },
    async captureByHand(ref) {
      const { secret_key } = await secrets()
      return insist({ path: `/v1/payment_intents/${ref}/capture`, method: 'POST', basic: secret_key })
    },
    resend: eventId => insist({ path: '/sandbox/resend', form: { event: eventId } }),
    async kill() {
      const { body } = await insist({ path: '/sandbox/state' })
      send('SIGKILL', body.pid)
    },
    async waiting() {
      const { body } = await insist({ path: '/sandbox/state' })
      return body.deliveries.waiting ?? 0
    },
    async acknowledgements() {
      const { body } = await insist({ path: '/sandbox/state' })
      return body.acknowledgements
    },
  }
}
