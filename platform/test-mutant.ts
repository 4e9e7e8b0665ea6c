import { registerHooks } from 'node:module'
import { assert } from '#kernel/assert.ts'
import type { Database } from './postgres/database.ts'

/** Text to find, exactly once, and what stands there instead. A mutant whose text is gone says so and does not pass for caught. */
export type Mutation = readonly [from: string, to: string]

let mutants = 0
const changesOf = new Map<string, ReadonlyMap<string, readonly Mutation[]>>()

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const mutant = mutantOf(context.parentURL)
    return mutant !== null && isWithin(mutant, specifier, resolved.url)
      ? { ...resolved, url: `${resolved.url}?mutant=${mutant}` }
      : resolved
  },
  load(url, context, next) {
    const loaded = next(url, context)
    const changes = changesOf.get(mutantOf(url) ?? '')
    const file = [...(changes?.keys() ?? [])].find(name => new URL(url).pathname.endsWith(pathOf(name)))
    if (file === undefined) return loaded
    return { ...loaded, source: mutate(String(loaded.source), changes!.get(file)!) }
  },
})

function mutantOf(url: string | undefined): string | null {
  return url?.startsWith('file:') ? new URL(url).searchParams.get('mutant') : null
}

/** A mutant is a copy of the modules that it changes, with all that these import by relative paths. */
function isWithin(mutant: string, specifier: string, url: string): boolean {
  if (specifier.startsWith('.')) return true
  return [...changesOf.get(mutant)!.keys()].some(file => url.includes(folderOf(file)))
}

function pathOf(file: string): string {
  return file.startsWith('platform/') ? `/${file}` : `/modules/${file}`
}

function folderOf(file: string): string {
  return `${pathOf(file).split('/').slice(0, 3).join('/')}/`
}

/**
 * Imports a module and what it imports of the same capability, with files changed on the way in. Files are named from `modules/` on:
 * `reservations/seat.ts`; those of the platform from there on: `platform/messages/consumer.ts`.
 */
export async function importMutant<Module>(entry: URL, changes: Record<string, readonly Mutation[]>): Promise<Module> {
  const mutant = String(++mutants)
  changesOf.set(mutant, new Map(Object.entries(changes)))
  return import(`${entry.href}?mutant=${mutant}`)
}

/** Replaces functions of the database by mutants while `work` runs. */
export async function withMutantFunctions(
  db: Database,
  changes: Record<string, readonly Mutation[]>,
  work: () => Promise<void>,
): Promise<void> {
  const originals: string[] = []
  for (const [name, mutations] of Object.entries(changes)) {
    const { rows } = await db.query<{ text: string }>(`select pg_get_functiondef($1::regproc) as text`, [
      `holdfast.${name}`,
    ])
    originals.push(rows[0]!.text)
    await db.query(mutate(rows[0]!.text, mutations))
  }
  try {
    await work()
  } finally {
    for (const original of originals) await db.query(original)
  }
}

function mutate(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((mutated, [from, to]) => {
    assert(mutated.split(from).length === 2, `the text to mutate occurs once: ${from}`)
    return mutated.replace(from, () => to)
  }, text)
}
