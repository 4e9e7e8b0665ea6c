/** How far two good clocks drift apart, at the worst: 500 parts in a million. */
const driftPerMs = 0.0005

/**
 * The database's clock, known from questions to it. Its answer was true at some moment between sending and receiving, so each
 * round trip gives bounds for the offset to our own clock, and bounds from several trips meet: the quickest trip counts most
 * without being chosen. Bounds that do not meet mean that a clock was set; then the newest trip alone counts.
 *
 * All times in milliseconds; ours from a clock that does not go back, the database's since 1970.
 */
export class DatabaseTime {
  #least = Number.NEGATIVE_INFINITY
  #most = Number.POSITIVE_INFINITY
  #learnedAt = 0

  learn(sentAt: number, answeredAt: number, answer: number): void {
    const slack = (answeredAt - this.#learnedAt) * driftPerMs
    const least = answer - answeredAt
    // Times come cut to whole milliseconds, hence the one more.
    const most = answer - sentAt + 1
    const meets = least <= this.#most + slack && most >= this.#least - slack
    this.#least = meets ? Math.max(least, this.#least - slack) : least
    this.#most = meets ? Math.min(most, this.#most + slack) : most
    this.#learnedAt = answeredAt
  }

  get isKnown(): boolean {
    return this.#least > Number.NEGATIVE_INFINITY
  }

  /** The database's time at this moment of our clock; wrong by at most `errorMs`. */
  at(monotonic: number): number {
    return monotonic + (this.#least + this.#most) / 2
  }

  errorMs(monotonic: number): number {
    return (this.#most - this.#least) / 2 + (monotonic - this.#learnedAt) * driftPerMs
  }
}
