import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedPostgresFault } from './faults.ts'

/** Whom the server runs as when that is not ourselves. */
export type Account = { uid: number; gid: number }

/**
 * PostgreSQL refuses to run as root, so root hands it to an account without rights: the owner of the cluster or of the data
 * folder, so that this user can start it too; else `postgres`, else `nobody`. It needs a name, because initdb looks it up.
 * Null: run as we are.
 */
export async function serverAccount(clusterDir: string): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const cluster = await ownerOf(clusterDir)
  if (cluster !== null && cluster.uid !== 0) return cluster
  const named = await namedAccounts()
  const folder = await ownerOf(dirname(dirname(clusterDir)))
  const account =
    named.find(known => known.uid === folder?.uid) ??
    named.find(known => known.name === 'postgres') ??
    named.find(known => known.name === 'nobody')
  if (account !== undefined) return { uid: account.uid, gid: account.gid }
  throw new EmbeddedPostgresFault(
    'account-not-usable',
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. ' +
      'Start Holdfast as an ordinary user, or set DATABASE_URL.',
  )
}

async function ownerOf(path: string): Promise<Account | null> {
  const owner = await stat(path).catch(() => null)
  return owner === null ? null : { uid: owner.uid, gid: owner.gid }
}

/** passwd(5): name, password, uid, gid. Root is left out: it is whom we avoid. */
async function namedAccounts(): Promise<(Account & { name: string })[]> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  return lines
    .map(line => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid >= 0)
}

/** Whether the account may enter every folder on the way to `path`, itself included. Access lists are not looked at. */
export async function canReach(account: Account | null, path: string): Promise<boolean> {
  if (account === null) return true
  for (let at = path; ; at = dirname(at)) {
    const { uid, mode } = await stat(at)
    const needed = uid === account.uid ? 0o100 : 0o001
    if ((mode & needed) === 0) return false
    if (at === dirname(at)) return true
  }
}
