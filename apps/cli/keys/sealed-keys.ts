import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CommandFailure } from '../failure.ts'

/** A file below the data folder that no backup of the database has. */
export type KeyFile = { path: string; bytes: Buffer }

type Sealed = {
  format: 'holdfast-keys'
  version: 1
  scrypt: { N: number; r: number; p: number; salt: string }
  nonce: string
  tag: string
  sealed: string
}

/** 128 MB and half a second for each guess (OWASP's password storage cheat sheet: N 2^17, r 8, p 1). */
const cost = { N: 2 ** 17, r: 8, p: 1 }
const passphraseMin = 15

/** Everything that an installation knows and its database does not: ticket keys, token keys, passwords, the sandbox's credentials. */
export async function readKeyFiles(data: string): Promise<KeyFile[]> {
  const names = (await readdir(join(data, 'keys')).catch(unlessMissing)) ?? []
  const files: KeyFile[] = []
  for (const path of [...names.sort().map(name => join('keys', name)), 'sandbox/credentials.json']) {
    const bytes = await readFile(join(data, path)).catch(unlessMissing)
    if (bytes !== null) files.push({ path, bytes })
  }
  return files
}

/** A key that may not be read is not one that is not there: a backup without it would look whole. */
function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'EISDIR') return null
  throw new CommandFailure(
    `${error.path} cannot be read (${error.code}). Run this as the user that the server runs as.`,
    1,
    [],
    { cause: error },
  )
}

/** One text that only the passphrase opens, and in which no byte can be changed unseen. */
export function sealKeys(files: readonly KeyFile[], passphrase: string): string {
  if (passphrase.length < passphraseMin)
    throw new CommandFailure(
      `The passphrase must have at least ${passphraseMin} characters: the file is all that guards the keys.`,
    )
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', keyOf(passphrase, salt, cost), nonce)
  const plain = JSON.stringify(files.map(({ path, bytes }) => ({ path, bytes: bytes.toString('base64') })))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  const box: Sealed = {
    format: 'holdfast-keys',
    version: 1,
    scrypt: { ...cost, salt: salt.toString('base64') },
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    sealed: sealed.toString('base64'),
  }
  return `${JSON.stringify(box)}\n`
}

/** @throws CommandFailure that says whether it is no such file, one of a later version, or the passphrase is not the right one */
export function openKeys(text: string, passphrase: string): KeyFile[] {
  const box = parse(text)
  if (box?.format !== 'holdfast-keys') throw new CommandFailure('This is not a backup of keys.')
  if (box.version !== 1) throw new CommandFailure('This backup of keys is of a later version of Holdfast.')
  const bytes = (base64: string) => Buffer.from(base64, 'base64')
  const { N, r, p, salt } = box.scrypt
  // What stands in the file is not to decide how much memory we take.
  if (N > 2 ** 20 || r > 16 || p > 4) throw new CommandFailure('This backup of keys is damaged.')
  const decipher = createDecipheriv('aes-256-gcm', keyOf(passphrase, bytes(salt), { N, r, p }), bytes(box.nonce), {
    authTagLength: 16,
  })
  decipher.setAuthTag(bytes(box.tag))
  try {
    const plain = Buffer.concat([decipher.update(bytes(box.sealed)), decipher.final()]).toString()
    return (JSON.parse(plain) as { path: string; bytes: string }[]).map(file => ({
      path: file.path,
      bytes: bytes(file.bytes),
    }))
  } catch (cause) {
    throw new CommandFailure('The passphrase is not the right one, or the file is damaged.', 1, [], { cause })
  }
}

/** Writes those that are missing. One that is there with other bytes stops it before anything is written. */
export async function writeKeyFiles(data: string, files: readonly KeyFile[]): Promise<string[]> {
  const missing: KeyFile[] = []
  for (const file of files) {
    if (!/^(keys\/[\w.-]+|sandbox\/credentials\.json)$/.test(file.path))
      throw new CommandFailure(`The backup names ${file.path}, which is no key.`)
    const there = await readFile(join(data, file.path)).catch(unlessMissing)
    if (there === null) missing.push(file)
    else if (!there.equals(file.bytes))
      throw new CommandFailure(`${join(data, file.path)} is there and differs. Move it away if the backup is right.`)
  }
  for (const { path, bytes } of missing) await writeKey(data, join(data, path), bytes)
  return missing.map(file => file.path)
}

async function writeKey(data: string, path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const unfinished = `${path}.new`
  const file = await open(unfinished, 'w', 0o600)
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
  const owner = await stat(data)
  if (process.getuid?.() === 0) for (const made of [dirname(path), unfinished]) await chown(made, owner.uid, owner.gid)
  await rename(unfinished, path)
}

function keyOf(passphrase: string, salt: Buffer, { N, r, p }: typeof cost): Buffer {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
}

function parse(text: string): Sealed | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
