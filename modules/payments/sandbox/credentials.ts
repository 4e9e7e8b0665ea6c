import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '#kernel/random.ts'

/** What the product needs to speak with a sandbox; kept in its folder, readable for its owner alone. */
export type SandboxCredentials = {
  secret_key: string
  publishable_key: string
  /** The first one signs alone once the others have run out. */
  webhook_secrets: { secret: string; until: number | null }[]
  webhook_url: string | null
  /** Of the last start; kept, so that links and browsers find it again. */
  port: number
}

const nameOf = (folder: string) => join(folder, 'credentials.json')

export async function readCredentials(folder: string): Promise<SandboxCredentials | null> {
  try {
    return JSON.parse(await readFile(nameOf(folder), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export async function writeCredentials(folder: string, credentials: SandboxCredentials): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const aside = `${nameOf(folder)}.new`
  const file = await open(aside, 'w', 0o600)
  await file.writeFile(`${JSON.stringify(credentials, null, 2)}\n`)
  await file.sync()
  await file.close()
  await rename(aside, nameOf(folder))
}

export function newCredentials(random: Random): SandboxCredentials {
  const secret = (prefix: string) => `${prefix}_${random.bytes(24).toString('hex')}`
  return {
    secret_key: secret('sk_test'),
    publishable_key: secret('pk_test'),
    webhook_secrets: [newWebhookSecret(random)],
    webhook_url: null,
    port: 0,
  }
}

export function newWebhookSecret(random: Random): { secret: string; until: null } {
  return { secret: `whsec_${random.bytes(24).toString('hex')}`, until: null }
}

/** Those that sign at this time. */
export function liveSecrets({ webhook_secrets }: Pick<SandboxCredentials, 'webhook_secrets'>, now: number): string[] {
  return webhook_secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret)
}
