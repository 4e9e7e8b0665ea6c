import type { GeneratorResult } from './run-generator.ts'
import { median, rounded, spread } from './statistics.ts'

/** The last line of `npm run bench -- … --json`. What does not apply is null. */
export type BenchReport = {
  scenario: string
  rate_per_s: number | null
  ratio_textbook: number | null
  ratio_noop: number | null
  p50_ms: number | null
  p95_ms: number | null
  p99_ms: number | null
  wins: number
  refusals: number
  errors: number
  oversold: number
  runs: object[]
  [more: string]: unknown
}

export type Bar = { name: string; measured: number; wanted: string; met: boolean }

export function summaryOf(values: readonly number[], unit = ''): string {
  return `${rounded(median(values))}${unit} (±${Math.round(spread(values) * 100)} %, ${values.map(value => rounded(value)).join(' / ')})`
}

export function printBars(bars: readonly Bar[], print: (line: string) => void): void {
  for (const bar of bars)
    print(`  ${bar.met ? 'met   ' : 'MISSED'}  ${bar.name}: ${rounded(bar.measured, 2)}, wanted ${bar.wanted}`)
}

export function totals(all: readonly GeneratorResult[]): { wins: number; refusals: number; errors: number } {
  const count = (wanted: (outcome: string) => boolean) =>
    all.reduce(
      (sum, run) =>
        sum +
        Object.entries(run.outcomes)
          .filter(([outcome]) => wanted(outcome))
          .reduce((n, [, value]) => n + value, 0),
      0,
    )
  return {
    wins: count(outcome => outcome.startsWith('2') || outcome === '304'),
    refusals: count(outcome => outcome.startsWith('4')),
    errors: count(outcome => outcome.startsWith('5') || !/^\d/.test(outcome)),
  }
}
