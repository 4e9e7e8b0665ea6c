import { prepareSeatMap, type SeatMapFile } from './prepare-seat-map.ts'

// The program of the process that `prepareInChild` starts: one file in, one answer out.
process.once('message', file => {
  process.send!(prepareSeatMap(file as SeatMapFile), undefined, undefined, () => process.disconnect())
})
