import type { Point } from './plan.ts'

/**
 * A closed oval of four arcs, as bowls are built: two flat arcs along the sides, two tight ones at the ends, meeting without
 * a bend. Every curve at a distance from it is such an oval with the same centres, so rows stay parallel, aisles run
 * straight outwards, and lengths along a row are exact.
 *
 * A place is given by the direction of the outward normal (radians clockwise from the top) and the distance from the oval.
 */
export class Oval {
  /** Arcs by rising direction; the first begins at -flat, half of it before the top. */
  readonly #arcs: { from: number; to: number; center: Point; radius: number }[]

  /** Half length, half width, and the radius of the ends, which must be below half the width. */
  constructor(halfLength: number, halfWidth: number, endRadius: number) {
    const h = halfLength - endRadius
    const sideRadius = (h ** 2 + halfWidth ** 2 - endRadius ** 2) / (2 * (halfWidth - endRadius))
    const drop = sideRadius - halfWidth
    const flat = Math.atan2(h, drop)
    this.#arcs = [
      { from: -flat, to: flat, center: { x: 0, y: drop }, radius: sideRadius },
      { from: flat, to: Math.PI - flat, center: { x: h, y: 0 }, radius: endRadius },
      { from: Math.PI - flat, to: Math.PI + flat, center: { x: 0, y: -drop }, radius: sideRadius },
      { from: Math.PI + flat, to: 2 * Math.PI - flat, center: { x: -h, y: 0 }, radius: endRadius },
    ]
  }

  point(direction: number, distance: number): Point {
    const { center, radius } = this.#arcOf(direction)
    return {
      x: center.x + (radius + distance) * Math.sin(direction),
      y: center.y - (radius + distance) * Math.cos(direction),
    }
  }

  circumference(distance: number): number {
    return this.#arcs.reduce((total, arc) => total + (arc.to - arc.from) * (arc.radius + distance), 0)
  }

  /** Length along the curve at `distance`, clockwise from the top to `direction` (which may lie below 0 or above a turn). */
  lengthTo(direction: number, distance: number): number {
    const turns = Math.floor(direction / fullTurn)
    const rest = direction - turns * fullTurn
    let length = turns * this.circumference(distance)
    for (const arc of this.#fromTop()) {
      if (rest <= arc.from) break
      length += (Math.min(rest, arc.to) - arc.from) * (arc.radius + distance)
    }
    return length
  }

  /** The direction at which the curve at `distance` has run `length` from the top. */
  directionAt(length: number, distance: number): number {
    const around = this.circumference(distance)
    const turns = Math.floor(length / around)
    let rest = length - turns * around
    for (const arc of this.#fromTop()) {
      const arcLength = (arc.to - arc.from) * (arc.radius + distance)
      if (rest <= arcLength) return turns * fullTurn + arc.from + rest / (arc.radius + distance)
      rest -= arcLength
    }
    return (turns + 1) * fullTurn
  }

  /** The arcs cut at the top, so that they run from 0 to a full turn. */
  #fromTop() {
    const [top, ...others] = this.#arcs
    return [{ ...top!, from: 0 }, ...others, { ...top!, from: fullTurn + top!.from, to: fullTurn }]
  }

  #arcOf(direction: number) {
    const rest = direction - Math.floor((direction - this.#arcs[0]!.from) / fullTurn) * fullTurn
    return this.#arcs.find(arc => rest < arc.to) ?? this.#arcs[3]!
  }
}

const fullTurn = 2 * Math.PI
