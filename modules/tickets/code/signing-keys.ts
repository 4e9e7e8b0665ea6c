import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoorKeys } from '#contracts/tickets.ts'
import type { Random } from '#kernel/random.ts'

/** One Ed25519 key pair. Its number stands in every ticket that it signed. */
export type SigningKey = { number: number; kid: string; privateKey: KeyObject; publicKey: KeyObject }

/** The keys of an installation, by number; the highest one signs, all of them verify. */
export type SigningKeys = { current: SigningKey; all: readonly SigningKey[] }

const nameOf = (number: number) => `ticket-key-${String(number).padStart(3, '0')}.pem`
const namePattern = /^ticket-key-(\d{3})\.pem$/
const numberMax = 255

/**
 * The keys in a folder, outside of the database: a stolen dump signs no tickets. Makes the first one where there is none; of two processes
 * that start at once the later takes the earlier one's.
 *
 * @throws Error when a key file is there and cannot be read: a new key would not verify the tickets that are out
 */
export async function loadSigningKeys({ folder, random }: { folder: string; random: Random }): Promise<SigningKeys> {
  const there = await readSigningKeys(folder)
  if (there !== null) return there
  await makeKey(folder, 1, random)
  return (await readSigningKeys(folder))!
}

/** The keys that are there; null if there are none, and none is made. */
export async function readSigningKeys(folder: string): Promise<SigningKeys | null> {
  const all = await readKeys(folder)
  return all.length === 0 ? null : { current: all.at(-1)!, all }
}

/** One more key, which signs from now on; the others go on verifying. Running servers see it within a minute. */
export async function rotateSigningKeys(source: { folder: string; random: Random }): Promise<SigningKeys> {
  const { current } = await loadSigningKeys(source)
  if (current.number === numberMax) throw new Error(`a ticket has room for ${numberMax} keys, and all of them are made`)
  await makeKey(source.folder, current.number + 1, source.random)
  return loadSigningKeys(source)
}

/** What a scanner needs; public. */
export function doorKeysOf({ all }: SigningKeys): DoorKeys {
  return {
    keys: all.map(({ number, kid, publicKey }) => ({
      kid,
      key: number,
      alg: 'Ed25519' as const,
      public_key: publicKey.export({ format: 'jwk' }).x!,
    })),
  }
}

/** Public keys by number, from what `doorKeysOf` gave. */
export function fromDoorKeys({ keys }: DoorKeys): Map<number, KeyObject> {
  return new Map(
    keys.map(({ key, public_key: x }) => [
      key,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
    ]),
  )
}

async function readKeys(folder: string): Promise<SigningKey[]> {
  const names = await readdir(folder).catch(error => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const keys = await Promise.all(
    names.flatMap(name => {
      const number = namePattern.exec(name)?.[1]
      return number === undefined ? [] : [readKey(join(folder, name), Number(number))]
    }),
  )
  return keys.sort((a, b) => a.number - b.number)
}

async function readKey(path: string, number: number): Promise<SigningKey> {
  const text = await readFile(path, 'utf8')
  try {
    const privateKey = createPrivateKey(text)
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('another kind of key')
    const publicKey = createPublicKey(privateKey)
    return { number, kid: kidOf(publicKey), privateKey, publicKey }
  } catch (cause) {
    throw new Error(
      `${path} does not hold an Ed25519 key. Restore it from a backup: tickets that it signed cannot be verified without it.`,
      { cause },
    )
  }
}

function kidOf(publicKey: KeyObject): string {
  const bytes = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

/** Written aside, flushed, then linked: the name never shows half a key, and never replaces one. */
async function makeKey(folder: string, number: number, random: Random): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { privateKey } = generateKeyPairSync('ed25519')
  const path = join(folder, nameOf(number))
  const aside = `${path}.${random.bytes(6).toString('hex')}`
  const file = await open(aside, 'wx', 0o600)
  try {
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await file.sync()
    await link(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await file.close()
    await rm(aside, { force: true })
  }
}
