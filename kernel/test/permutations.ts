/** All orders of these items; the order given is the first. */
export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map(rest => [first, ...rest]))
}
