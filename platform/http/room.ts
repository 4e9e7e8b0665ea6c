/**
 * Room for requests under way: as many as are served in this time, so that the last of those who find room is answered before the 800 ms of
 * a reservation are over. Holds may fill 0.85 of it, which leaves 0.3 s for what stands between us and them. Turning people away sooner
 * would have them ask again, and each refusal takes time from somebody's hold.
 */
const roomMs = 600
/** As long as nothing is known of the pace, and where it is slow. */
const roomMin = 400
/** Memory, and what the sockets keep. */
const roomMax = 4000
/** The share of the newest tick: what was a second ago counts for an eighth. The first ones count for more, since nothing is known yet. */
const newest = 0.1
/** Light work is judged over so long: within a tick chance is larger than what is to be learned. */
const lightMs = 1000
/** Busier than this, what is served in the busy time says how much could be. Below it, it says more of everything else that is done. */
const busyMin = 0.3
/** As good as always. */
const busyMax = 0.9

/** How many requests may be under way, by how many are served. */
export class Room {
  #servedPerSecond = 0
  #served = 0
  #ticks = 0
  #light = { served: 0, busyMs: 0, ms: 0 }
  size = roomMin

  served(): void {
    this.#served++
  }

  /**
   * Called some times a second. With enough to do, the pace is what is served. With less it is at least what is served in the busy part
   * of the time: a pace that is known already is not forgotten for that, because others than those who take room may be what keeps us busy.
   *
   * @param tookMs since the last time
   * @param underWay requests under way now
   * @param busy share of that time in which the process had something to do
   */
  tick(tookMs: number, underWay: number, busy: number): void {
    const served = this.#served
    this.#served = 0
    const pace = (served * 1000) / Math.max(1, tookMs)
    const isLate = busy >= busyMax && underWay > (pace * roomMs) / 1000
    if (underWay >= this.size / 2 || (isLate && underWay >= roomMin / 2)) {
      this.#light = { served: 0, busyMs: 0, ms: 0 }
      if (pace > 0 || this.#servedPerSecond > 0) this.#learn(pace, Math.max(newest, 1 / ++this.#ticks))
    } else this.#lookAtLight(served, tookMs, busy)
  }

  #lookAtLight(served: number, tookMs: number, busy: number): void {
    const light = this.#light
    light.served += served
    light.busyMs += busy * tookMs
    light.ms += tookMs
    if (light.ms < lightMs) return
    const pace = (light.served * 1000) / light.busyMs
    if (light.busyMs >= busyMin * light.ms && pace > this.#servedPerSecond) this.#learn(pace, 1)
    this.#light = { served: 0, busyMs: 0, ms: 0 }
  }

  #learn(pace: number, weight: number): void {
    this.#servedPerSecond += weight * (pace - this.#servedPerSecond)
    this.size = Math.min(roomMax, Math.max(roomMin, (this.#servedPerSecond * roomMs) / 1000))
  }
}
