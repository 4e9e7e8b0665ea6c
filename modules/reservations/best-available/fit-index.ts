/**
 * Finds the first of many slots where something fits, without looking at those before it: a tree of bit masks, each the union
 * of its two children. Setting a slot and finding one cost the logarithm of their number.
 */
export class FitIndex {
  readonly #nodes: Int32Array
  readonly #leaves: number

  constructor(slots: number) {
    this.#leaves = 1
    while (this.#leaves < slots) this.#leaves *= 2
    this.#nodes = new Int32Array(this.#leaves * 2)
  }

  set(slot: number, mask: number): void {
    let node = this.#leaves + slot
    this.#nodes[node] = mask
    while (node > 1) {
      node >>= 1
      const union = this.#nodes[node * 2]! | this.#nodes[node * 2 + 1]!
      if (this.#nodes[node] === union) return
      this.#nodes[node] = union
    }
  }

  has(slot: number, bit: number): boolean {
    return (this.#nodes[this.#leaves + slot]! & bit) !== 0
  }

  /** The first slot from `from` up to, not including, `to` whose mask has the bit; -1 when there is none. */
  next(from: number, to: number, bit: number): number {
    if (from >= to) return -1
    let node = this.#leaves + from
    while ((this.#nodes[node]! & bit) === 0) {
      // Done with this subtree: up as long as it was a right child, then over to the right.
      while ((node & 1) === 1) node >>= 1
      if (node === 0) return -1
      node++
    }
    while (node < this.#leaves) {
      node *= 2
      if ((this.#nodes[node]! & bit) === 0) node++
    }
    const slot = node - this.#leaves
    return slot < to ? slot : -1
  }
}
