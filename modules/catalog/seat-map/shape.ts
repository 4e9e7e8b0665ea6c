export interface Size {
  width: number
  height: number
}

export interface Point {
  x: number
  y: number
}

/**
 * Something drawn on the map, in the words of the open seating-plan format, but with positions from the map's origin: what
 * reads a map should not have to walk up a tree of offsets. `polygon` points stay relative to `position`.
 */
export interface Shape {
  shape: 'rectangle' | 'circle' | 'ellipse' | 'polygon' | 'text'
  position: Point
  /** Degrees clockwise around `position`. */
  rotation?: number
  color?: string
  border_color?: string
  rectangle?: Size
  circle?: { radius: number }
  ellipse?: { radius: Point }
  polygon?: { points: Point[] }
  /** A caption; `position` relative to the shape's. */
  text?: { text: string; position: Point; color?: string; size?: number }
}
