export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Largest distance from the median, as a share of it. */
export function spread(values: readonly number[]): number {
  const centre = median(values)
  return centre === 0 ? 0 : Math.max(...values.map(value => Math.abs(value - centre))) / centre
}

export function rounded(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
