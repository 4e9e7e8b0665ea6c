/**
 * Room for requests under way: as many as were served of late in this time, so that the last of them is answered well before the
 * 800 ms of a reservation are over. Turning people away sooner would have them ask again, and each refusal takes time from somebody's
 * hold.
 */
const roomMs = 400
/** As long as nothing is known of the pace, and where it is slow. */
const roomMin = 400
/** Memory, and what the sockets keep. */
const roomMax = 4000
/** The share of the newest tick: what was a second ago counts for an eighth. */
const newest = 0.1

/** How many requests may be under way, by how many are served. */
export class Room {
  #servedPerSecond = 0
  #served = 0
  size = roomMin

  served(): void {
    this.#served++
  }

  /**
   * Called some times a second. How fast we are shows only while there is enough to do; what is known stays known while it is quiet.
   *
   * @param tookMs since the last time
   * @param underWay requests under way now
   */
  tick(tookMs: number, underWay: number): void {
    if (underWay < this.size / 2) {
      this.#served = 0
      return
    }
    const now = (this.#served * 1000) / Math.max(1, tookMs)
    this.#servedPerSecond += newest * (now - this.#servedPerSecond)
    this.#served = 0
    this.size = Math.min(roomMax, Math.max(roomMin, (this.#servedPerSecond * roomMs) / 1000))
  }
}
