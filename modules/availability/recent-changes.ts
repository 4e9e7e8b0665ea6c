/** Sixteen kilobytes an event. At 250 changes a second, a quiet on-sale, a reader may be away for 16 s and still catch up. */
const kept = 4096
const marksMax = 8

/**
 * What changed visibly in an event, lately. A version is the number of changes so far, so change `v` lies at place `v` of a
 * ring: going from any remembered version to the present one is a walk over what lies between. Only *what* changed is kept;
 * its state is read when it is told, so that a seat that changed ten times is told once.
 */
export class RecentChanges {
  readonly #subjects = new Int32Array(kept)
  readonly #marks: { at: number; version: number }[] = []
  #version = 0

  get version(): number {
    return this.#version
  }

  noteSeat(seatNo: number): void {
    this.#version++
    this.#subjects[this.#version % kept] = seatNo
  }

  noteArea(areaNo: number): void {
    this.#version++
    this.#subjects[this.#version % kept] = ~areaNo
  }

  /** What changed after that version, each once; null when that is not known any more, or never was. */
  since(version: number): { seatNos: number[]; areaNos: number[] } | null {
    if (!Number.isInteger(version) || version < 0 || version > this.#version || this.#version - version > kept)
      return null
    const subjects = new Set<number>()
    for (let v = version + 1; v <= this.#version; v++) subjects.add(this.#subjects[v % kept]!)
    const seatNos: number[] = []
    const areaNos: number[] = []
    for (const subject of subjects) {
      if (subject >= 0) seatNos.push(subject)
      else areaNos.push(~subject)
    }
    return { seatNos, areaNos }
  }

  /** Remembers which version it is now; `at` in milliseconds of a clock that does not go back. Call it every second or so. */
  mark(at: number): void {
    this.#marks.push({ at, version: this.#version })
    if (this.#marks.length > marksMax) this.#marks.shift()
  }

  /** A version that was the present one at `at` or before; the oldest marked when that is too long ago. */
  versionAt(at: number): number {
    const mark = this.#marks.findLast(known => known.at <= at) ?? this.#marks[0]
    return mark?.version ?? this.#version
  }
}
