import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { schemaOfMigrations } from './schema-of-migrations.ts'

// `npm run schema` writes db/schema.sql; with --check it only says whether the file is what the migrations make.
const path = fileURLToPath(new URL('../../db/schema.sql', import.meta.url))
const schema = await schemaOfMigrations()
if (!process.argv.includes('--check')) await writeFile(path, schema)
else if ((await readFile(path, 'utf8').catch(() => '')) !== schema) {
  console.error('db/schema.sql is not what the migrations make. Run `npm run schema` and look at the difference.')
  process.exitCode = 1
}
