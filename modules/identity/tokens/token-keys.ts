import { createHash, createSecretKey, hkdfSync } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#kernel/clock.ts'
import type { Random } from '#kernel/random.ts'
import type { TokenKey } from './access-token.ts'

type KeyFile = { keys: { secret: string; created_at: string }[] }

/** Where the keys come from: the settings if they name a secret, otherwise `folder/token-keys.json`, made at the first start. */
export type TokenKeySource = {
  secret?: string | undefined
  /** Still verifies after `secret` was changed. */
  previousSecret?: string | undefined
  folder: string
  random: Random
  clock: Clock
}

/**
 * The keys of access tokens, the signing one first.
 *
 * @throws Error when the key file exists and is not one: making a new one would end every session without a word
 */
export async function loadTokenKeys(source: TokenKeySource): Promise<TokenKey[]> {
  if (source.secret !== undefined)
    return [source.secret, source.previousSecret].filter(s => s !== undefined).map(keyFrom)
  const path = join(source.folder, 'token-keys.json')
  const text = (await readIfThere(path)) ?? (await makeKeyFile(path, source))
  return secretsIn(text, path).map(keyFrom)
}

/**
 * A key of the right length for this one purpose: the secret may serve others too. The id is a digest of the key, so that
 * processes that share a secret name it alike.
 */
function keyFrom(secret: string): TokenKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast access token', 32))
  const kid = createHash('sha256').update(bytes).digest('base64url').slice(0, 8)
  return { kid, secret: createSecretKey(bytes) }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Written aside, flushed, then linked: the name never shows half a file, and of two first starts the later one takes the earlier one's. */
async function makeKeyFile(path: string, { folder, random, clock }: TokenKeySource): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const content: KeyFile = {
    keys: [{ secret: random.bytes(32).toString('base64url'), created_at: new Date(clock.now()).toISOString() }],
  }
  const aside = `${path}.${random.bytes(6).toString('hex')}`
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(content, null, 2)}\n`)
    await file.sync()
    await link(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await file.close()
    await rm(aside, { force: true })
  }
  return readFile(path, 'utf8')
}

function secretsIn(text: string, path: string): string[] {
  try {
    const secrets = (JSON.parse(text) as KeyFile).keys.map(key => key.secret)
    if (secrets.length > 0 && secrets.every(secret => typeof secret === 'string' && secret.length >= 32)) return secrets
  } catch {
    // Said below, with the way out.
  }
  throw new Error(
    `${path} does not hold token keys. Restore it from a backup, or delete it: everybody must then log in again.`,
  )
}
