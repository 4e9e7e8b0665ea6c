import type { Rule } from './judge.ts'
import { ambientTime, environment } from './rules/ambient.ts'
import { cycles } from './rules/cycles.ts'
import { layers, testsStayApart } from './rules/layers.ts'
import { moduleCalls, moduleDoors } from './rules/modules.ts'
import { exportedNames, fileNames } from './rules/names.ts'
import { packages } from './rules/packages.ts'
import { sessionState, timeInSql } from './rules/sql.ts'
import { testNames, testsAllRun } from './rules/tests.ts'
import { wordsOfPlatform } from './rules/words.ts'

export const rules: readonly Rule[] = [
  layers,
  moduleCalls,
  moduleDoors,
  testsStayApart,
  cycles,
  packages,
  ambientTime,
  environment,
  timeInSql,
  sessionState,
  wordsOfPlatform,
  fileNames,
  exportedNames,
  testNames,
  testsAllRun,
]
