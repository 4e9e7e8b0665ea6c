import { spread } from './hashes.ts'

const bucketsMin = 64

type Node<K, V> = { key: K; value: V | undefined; next: Node<K, V> | null }

/**
 * A Map for what comes and goes by the thousand, as requests do. It gives up order and iteration, and lets go of what is deleted.
 *
 * The table of a Map is made anew after as many deletions as it has room, and the old one keeps what it held and a way to the
 * table after it, for the sake of iterators. Once an old table lies where only a full collection looks, which in a busy process it
 * soon does, that chain keeps alive a part of all that was ever in the map, and every collection of young objects carries it along.
 */
export class TransientMap<K, V> {
  readonly #hashOf: (key: K) => number
  #buckets: (Node<K, V> | null)[] = new Array(bucketsMin).fill(null)
  #size = 0

  /** @param hashOf an integer for a key; which bits differ does not matter */
  constructor(hashOf: (key: K) => number) {
    this.#hashOf = hashOf
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    return this.#find(key)?.value
  }

  has(key: K): boolean {
    return this.#find(key) !== null
  }

  set(key: K, value: V): void {
    let at = this.#placeOf(key)
    const known = this.#find(key, at)
    if (known !== null) {
      known.value = value
      return
    }
    if (this.#size >= 2 * this.#buckets.length) {
      this.#grow()
      at = this.#placeOf(key)
    }
    this.#buckets[at] = { key, value, next: this.#buckets[at] ?? null }
    this.#size++
  }

  delete(key: K): void {
    const at = this.#placeOf(key)
    let before: Node<K, V> | null = null
    for (let node = this.#buckets[at] ?? null; node !== null; before = node, node = node.next) {
      if (node.key !== key) continue
      if (before === null) this.#buckets[at] = node.next
      else before.next = node.next
      // What is dead shows the way to nothing.
      node.next = null
      node.value = undefined
      this.#size--
      return
    }
  }

  #find(key: K, at = this.#placeOf(key)): Node<K, V> | null {
    let node = this.#buckets[at] ?? null
    while (node !== null && node.key !== key) node = node.next
    return node
  }

  #placeOf(key: K): number {
    return spread(this.#hashOf(key)) & (this.#buckets.length - 1)
  }

  #grow(): void {
    const old = this.#buckets
    this.#buckets = new Array(2 * old.length).fill(null)
    for (let node of old) {
      while (node !== null) {
        const { next } = node
        const at = this.#placeOf(node.key)
        node.next = this.#buckets[at] ?? null
        this.#buckets[at] = node
        node = next
      }
    }
    old.fill(null)
  }
}
