import { parseArgs } from 'node:util'
import { fuzzOwnServer } from './fuzz-own-server.ts'
import { isSound, printed } from './report.ts'

const help = `npm run fuzz -- [options]

Asks a server of its own for everything that its /openapi.json names: rightly, at the edges of what is allowed, and with everything that a
hostile client sends; as nobody, as guests and customers, and as each role of staff, about their own objects and those of others. Each answer
must be one that the document names. Exit code 1 if an answer is an error of the server or undocumented, if anything foreign comes out, if
somebody may what they may not, if a prototype of the server is changed, or if an operation never succeeded in a run of 2,000 or more.

  --requests <n>   how many (20000); some 200 a second
  --seed <n>       the same seed asks the same (1)
  --json           the last line of standard output is one JSON object
  --help           this

Each finding is printed as a curl line with its answer, what was expected, and the run that asks it again.
`

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const requests = Number(values.requests)
const seed = Number(values.seed)
if (values.help) process.stdout.write(help)
else if (!(Number.isInteger(requests) && requests >= 1) || !Number.isInteger(seed)) {
  process.stderr.write('fuzz: --requests must be a whole number from 1 on, and --seed a whole number\n')
  process.exitCode = 2
} else {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const report = await fuzzOwnServer({ requests, seed, tell })
  if (values.json && report.found.length > 0) process.stderr.write(printed(report))
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printed(report))
  process.exitCode = isSound(report) ? 0 : 1
}
