import { Transform } from 'node:stream'
import type { TestEvent } from 'node:test/reporters'
import { closingCount } from './run-in-turn.ts'

const shownMax = 8
const shownFromMs = 1000

/** Passes the events on, and tells which files took longest right before the closing counts of node:test. */
export function tellSlowest(root: string): Transform {
  const took = new Map<string, number>()
  let isTold = false
  return new Transform({
    objectMode: true,
    transform(event: TestEvent, _encoding, done) {
      if (event.type === 'test:summary' && event.data.file !== undefined)
        took.set(event.data.file.replace(`${root}/`, ''), event.data.duration_ms)
      if (closingCount(event)?.name === 'tests' && !isTold) {
        isTold = true
        this.push({ type: 'test:stdout', data: { message: slowestOf(took) } })
      }
      done(null, event)
    },
  })
}

function slowestOf(took: Map<string, number>): string {
  const slowest = [...took].filter(([, ms]) => ms >= shownFromMs).sort(([, a], [, b]) => b - a)
  const lines = slowest.slice(0, shownMax).map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}\n`)
  return lines.length === 0 ? '' : `\nSlowest files\n${lines.join('')}\n`
}
