/** Where in the file: a JSON path such as `zones[3].rows[2].seats[14].category`, or a line of the manifest. */
export type Place = { path: string } | { line: number }

export type Problem = Place & { message: string }

/**
 * Everything that is wrong with an import, in the order found: whoever repairs a file of 30,000 seats wants the whole list
 * at once. It stops growing at `problemsMax` and closes with a line that says how many more there were.
 */
export class ProblemList {
  readonly #problems: Problem[] = []
  #count = 0

  add(place: Place, message: string): void {
    this.#count++
    if (this.#problems.length === problemsMax) return
    this.#problems.push('line' in place ? { line: place.line, message } : { path: place.path, message })
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  list(): Problem[] {
    const more = this.#count - this.#problems.length
    return more === 0 ? this.#problems : [...this.#problems, { path: '', message: `and ${more} more` }]
  }
}

const problemsMax = 1_000
