import type { Queryable } from '#platform/postgres/database.ts'

/** The id of this installation, as it stands on what it makes at the provider. The same for all of its processes, and after a restore. */
export async function readInstallation(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ installation_id: string }>('select installation_id from holdfast.installation')
  return rows[0]!.installation_id
}
