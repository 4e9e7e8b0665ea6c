import { type PlanObject, quoted } from './plan-reader.ts'
import { rounded } from './seat-map.ts'
import type { Point, Shape } from './shape.ts'

/** Reads a drawn area of a plan; null when it has no shape we can draw. `origin` is the position of its zone. */
export function readShape(area: PlanObject, origin: Point): Shape | null {
  const geometry = area.has('shape') ? readGeometry(area) : null
  const offset = area.has('position') ? area.position('position') : { x: 0, y: 0 }
  const rotation = area.has('rotation') ? area.coordinate('rotation') : null
  const text = area.has('text') && area.has('shape') ? readCaption(area) : undefined
  if (!offset || !geometry) return null
  return {
    ...geometry,
    position: roundedPoint({ x: origin.x + offset.x, y: origin.y + offset.y }),
    rotation: rotation ?? undefined,
    color: area.color('color'),
    border_color: area.color('border_color'),
    text,
  }
}

type Geometry = Pick<Shape, 'shape' | 'rectangle' | 'circle' | 'ellipse' | 'polygon'>

function readGeometry(area: PlanObject): Geometry | null {
  const shape = area.text('shape', 40)
  switch (shape) {
    case null:
      return null
    case 'rectangle': {
      const rectangle = area.size(shape)
      return rectangle && { shape, rectangle }
    }
    case 'circle': {
      const radius = area.object(shape, radiusMember)?.length('radius')
      return radius ? { shape, circle: { radius } } : null
    }
    case 'ellipse': {
      const radius = area.object(shape, radiusMember)?.position('radius')
      return radius ? { shape, ellipse: { radius } } : null
    }
    case 'polygon': {
      const corners = area.object(shape, pointsMember)?.objects('points', pointMembers) ?? []
      const points = Array.from(corners, ([, point]) => ({
        x: point.coordinate('x') ?? 0,
        y: point.coordinate('y') ?? 0,
      }))
      return { shape, polygon: { points: points.map(roundedPoint) } }
    }
    case 'text':
      return { shape }
    default:
      return area.problem('shape', `${quoted(shape)} is none of rectangle, circle, ellipse, polygon, text`)
  }
}

function readCaption(area: PlanObject): Shape['text'] {
  const caption = area.object('text', captionMembers)
  const text = caption?.text('text', 500)
  if (!caption || !text) return undefined
  const position = caption.has('position') ? caption.position('position') : null
  return {
    text,
    position: roundedPoint(position ?? { x: 0, y: 0 }),
    color: caption.color('color'),
    size: caption.has('size') ? (caption.length('size') ?? undefined) : undefined,
  }
}

function roundedPoint(point: Point): Point {
  return { x: rounded(point.x), y: rounded(point.y) }
}

const radiusMember: ReadonlySet<string> = new Set(['radius'])
const pointsMember: ReadonlySet<string> = new Set(['points'])
const pointMembers: ReadonlySet<string> = new Set(['x', 'y'])
const captionMembers: ReadonlySet<string> = new Set(['text', 'position', 'color', 'size'])
