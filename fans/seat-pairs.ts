export type SeatPair = [string, string]

/**
 * Pairs of neighbours that can be held in any order without ever leaving a lone seat: from the start of each run of joined
 * seats, and in a run of odd length its last three stay free.
 */
export function harmlessPairs(rows: readonly (readonly string[])[]): SeatPair[] {
  return rows.flatMap(run => {
    const usable = run.length % 2 === 0 ? run.length : run.length - 3
    const pairs: SeatPair[] = []
    for (let i = 0; i + 1 < usable; i += 2) pairs.push([run[i]!, run[i + 1]!])
    return pairs
  })
}

export function shuffle<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
