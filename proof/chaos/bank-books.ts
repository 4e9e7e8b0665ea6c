import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Api } from '../../fans/api.ts'

/** What the bank took and gave back, by its own lists. */
export async function bankBooks(api: Api, sandboxUrl: string, data: string): Promise<{ taken: number; back: number }> {
  const { secret_key } = JSON.parse(await readFile(join(data, 'sandbox/credentials.json'), 'utf8'))
  async function listOf<Row extends { id: string }>(path: string): Promise<Row[]> {
    const rows: Row[] = []
    for (;;) {
      const after = rows.length === 0 ? '' : `&starting_after=${rows.at(-1)!.id}`
      const { status, body } = await api(sandboxUrl, { path: `${path}?limit=100${after}`, basic: secret_key })
      if (status !== 200) throw new Error(`the bank does not list its ${path}: ${status}`)
      rows.push(...(body.data as Row[]))
      if (!body.has_more) return rows
    }
  }
  const intents = await listOf<{ id: string; amount_received: number }>('/v1/payment_intents')
  const refunds = await listOf<{ id: string; amount: number; status: string }>('/v1/refunds')
  return {
    taken: intents.reduce((sum, { amount_received }) => sum + amount_received, 0),
    back: refunds.reduce((sum, { amount, status }) => sum + (status === 'succeeded' ? amount : 0), 0),
  }
}
