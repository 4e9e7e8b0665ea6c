import { arrange } from './arrangement.ts'
import { checkDraft } from './check-draft.ts'
import { compileSeatMap } from './compile.ts'
import { readManifest } from './manifest.ts'
import { type Problem, ProblemList } from './problems.ts'
import type { SeatMap } from './seat-map.ts'
import { readSeatingPlan } from './seating-plan.ts'

export type SeatMapImport =
  | { ok: true; seatMap: SeatMap; warnings: Problem[] }
  | { ok: false; code: 'invalid-seatmap'; errors: Problem[] }

/** A seating plan in the open JSON format, already parsed. */
export function importSeatingPlan(plan: unknown): SeatMapImport {
  return importDraft((problems, warnings) => readSeatingPlan(plan, problems, warnings))
}

/** A manifest as comma-separated values; the file does not name the map, so the caller does. */
export function importManifest(text: string, name: string): SeatMapImport {
  return importDraft((problems, warnings) => readManifest(text, name, problems, warnings))
}

function importDraft(
  read: (problems: ProblemList, warnings: ProblemList) => ReturnType<typeof readManifest>,
): SeatMapImport {
  const problems = new ProblemList()
  const warnings = new ProblemList()
  const draft = read(problems, warnings)
  const arrangement = arrange(draft)
  checkDraft(draft, arrangement, problems, warnings)
  if (!problems.isEmpty) return { ok: false, code: 'invalid-seatmap', errors: problems.list() }
  return { ok: true, seatMap: compileSeatMap(draft, arrangement), warnings: warnings.list() }
}
