import encodeQR from 'qr'

/** The dark modules of a QR code as one path of unit squares, and its side in modules, without the quiet zone. */
export function qrPath(payload: string): { path: string; side: number; rows: boolean[][] } {
  const rows = encodeQR(payload, 'raw', { ecc: 'medium', border: 1 })
    .slice(1, -1)
    .map(row => row.slice(1, -1))
  const path = rows
    .flatMap((row, y) => runsOf(row).map(([from, length]) => `M${from} ${y}h${length}v1h-${length}z`))
    .join('')
  return { path, side: rows.length, rows }
}

/** Neighbouring dark modules as one: a third of the bytes, and no hair lines between them. */
export function runsOf(row: readonly boolean[]): [from: number, length: number][] {
  const runs: [number, number][] = []
  for (let x = 0; x < row.length; x++) {
    if (!row[x]) continue
    const from = x
    while (row[x + 1]) x++
    runs.push([from, x - from + 1])
  }
  return runs
}
