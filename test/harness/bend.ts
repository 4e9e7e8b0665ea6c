/** One way in which a body is not what it should be, and what it is about. */
export type Bent = { body: unknown; what: string }

/**
 * The ways to spoil a good body: each member of another type, out of bounds, missing; and at each level a member that nobody
 * asked for. Some may still be good by a generous schema; whoever sends them has to look.
 */
export function bend(good: unknown): Bent[] {
  return [...walk(good, 'body', value => value)]
}

function* walk(value: unknown, path: string, rebuild: (value: unknown) => unknown): Iterable<Bent> {
  for (const wrong of wrongFor(value))
    yield { body: rebuild(wrong), what: `${path} = ${JSON.stringify(wrong)}`.slice(0, 120) }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      yield* walk(item, `${path}[${i}]`, changed => rebuild(value.with(i, changed)))
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      const { [name]: _, ...without } = value as Record<string, unknown>
      yield { body: rebuild(without), what: `${path}.${name} missing` }
      yield* walk(member, `${path}.${name}`, changed => rebuild({ ...value, [name]: changed }))
    }
    for (const name of ['surprise', 'constructor', 'toString', '$where'])
      yield { body: rebuild({ ...value, [name]: 'x' }), what: `${path}.${name} added` }
  }
}

function wrongFor(value: unknown): unknown[] {
  const always = [null, [], {}, [[]], true, 0, -1, 1.5, 2 ** 53, 1e300, '', ' ', '1', 'x', '\u202e', 'x'.repeat(20_000)]
  if (Array.isArray(value))
    return [
      ...always,
      [...value, ...value],
      Array.from({ length: 51 }, (_, i) => `${i}`),
      Array(51).fill(value[0]),
      [null],
    ]
  return always
}
