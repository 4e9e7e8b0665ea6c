import { fileURLToPath } from 'node:url'
import { runSteps } from './run-steps.ts'
import { steps } from './steps.ts'

// `npm run check [-- step …]`
const root = fileURLToPath(new URL('../../', import.meta.url))
const asked = process.argv.slice(2)
const unknown = asked.filter(name => !steps.some(step => step.name === name))
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(', ')}. There are ${steps.map(step => step.name).join(', ')}.`)
  process.exitCode = 1
} else {
  const chosen = steps.filter(({ name }) => asked.length === 0 || asked.includes(name))
  process.exitCode = (await runSteps(chosen, root, text => process.stdout.write(text))) ? 0 : 1
}
