import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { assert } from '#kernel/assert.ts'

type Summary = Extract<TestEvent, { type: 'test:summary' }>
type RunOptions = NonNullable<Parameters<typeof run>[0]>

/**
 * Runs one group of files after the other, as if they were one run: the counts of all of them close it, as node:test itself
 * would write them.
 */
export async function* runInTurn(groups: readonly RunOptions[]): AsyncGenerator<TestEvent> {
  const counts = new Map<string, number>()
  let summary: Summary | undefined
  for (const group of groups) {
    for await (const event of run(group) as AsyncIterable<TestEvent>) {
      const count = closingCount(event)
      if (count !== null) counts.set(count.name, (counts.get(count.name) ?? 0) + count.value)
      else if (event.type === 'test:summary' && event.data.file === undefined) summary = sumOf(summary, event)
      else yield event
    }
  }
  assert(summary !== undefined, 'node:test closes with a summary')
  for (const [name, value] of counts)
    yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${value}`, level: 'info' } } as TestEvent
  yield summary
}

const closing = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/

/** One of the lines with which node:test ends. */
export function closingCount(event: TestEvent): { name: string; value: number } | null {
  if (event.type !== 'test:diagnostic' || event.data.nesting !== 0) return null
  const [, name, value] = closing.exec(event.data.message) ?? []
  return name === undefined ? null : { name, value: Number(value) }
}

function sumOf(sum: Summary | undefined, next: Summary): Summary {
  if (sum === undefined) return next
  const counts = { ...sum.data.counts }
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += next.data.counts[name]
  const success = sum.data.success && next.data.success
  return { ...next, data: { ...next.data, success, counts, duration_ms: sum.data.duration_ms + next.data.duration_ms } }
}
