import { writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { arenaInTheRound } from './arena.ts'
import { club } from './club.ts'
import { formatPlan } from './plan.ts'
import { stadium } from './stadium.ts'

/** The plans that are files in the repository. There is no chance in them: the same code writes the same bytes. */
export const committedPlans = { 'arena-in-the-round.json': arenaInTheRound, 'club.json': club }

export const demoFolder = fileURLToPath(new URL('../../demo/seating-plans/', import.meta.url))

// node tools/seating-plans/generate.ts             rewrites the files in demo/seating-plans
// node tools/seating-plans/generate.ts stadium     prints the plan of 80,000 seats
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] === 'stadium') process.stdout.write(formatPlan(stadium()))
  else {
    for (const [file, build] of Object.entries(committedPlans)) await writeFile(demoFolder + file, formatPlan(build()))
  }
}
