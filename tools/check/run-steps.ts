import { spawn } from 'node:child_process'
import type { Step } from './steps.ts'

/** Runs every step, tells how each went, and whether all went well. What a step prints is shown only if it failed. */
export async function runSteps(steps: readonly Step[], root: string, tell: (text: string) => void): Promise<boolean> {
  const failed: string[] = []
  for (const step of steps) {
    tell(`${step.name.padEnd(14)} `)
    const startedAt = performance.now()
    const { passed, output } = await runStep(step, root)
    tell(`${passed ? 'ok    ' : 'FAILED'} ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s\n`)
    if (passed) continue
    failed.push(step.name)
    tell(`${indented([output.trimEnd(), step.remedy ?? ''].join('\n').trim())}\n`)
  }
  if (failed.length > 0) tell(`\nFailed: ${failed.join(', ')}. Again: npm run check -- ${failed.join(' ')}\n`)
  return failed.length === 0
}

function runStep({ run }: Step, cwd: string): Promise<{ passed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, run, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
    child.on('error', reject)
    child.on('close', code => resolve({ passed: code === 0, output }))
  })
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ')
}
