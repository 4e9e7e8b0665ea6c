import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedPostgresFault } from './faults.ts'

/** Whom the server runs as when that is not ourselves. */
export type Account = { uid: number; gid: number }

/**
 * PostgreSQL refuses to run as root, so root hands it to an account without rights: the owner of an existing cluster, else
 * `postgres`, else `nobody`. It must have a name, because initdb looks it up. Null: run as we are.
 */
export async function serverAccount(clusterDir: string): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const owner = await stat(clusterDir).catch(() => null)
  if (owner !== null && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const accounts = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map(line => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(fields => fields[0] === name) ?? []
    if (uid !== undefined && gid !== undefined && Number(uid) !== 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new EmbeddedPostgresFault(
    'account-not-usable',
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. ' +
      'Start Holdfast as an ordinary user, or set DATABASE_URL.',
  )
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
