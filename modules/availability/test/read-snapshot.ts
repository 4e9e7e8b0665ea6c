/** What the page of a seat map does with a snapshot. */
export function stateIn(snapshot: Uint8Array, seatNo: number): number {
  return (snapshot[seatNo >> 2]! >> (2 * (seatNo & 3))) & 3
}
