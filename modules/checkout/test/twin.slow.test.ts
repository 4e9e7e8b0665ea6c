import { test } from 'node:test'
import { agree } from './agree.ts'
import { explainAtOnce } from './at-once.ts'
import { memoryBackend } from './backends.ts'

const sequences = Number(process.env.HOLDFAST_TEST_ROUNDS ?? 50)
const atOnce = Math.ceil(sequences / 5)

test(`${sequences} sequences of a hundred commands end alike on PostgreSQL and on its twin`, async () => {
  await agree({ twin: memoryBackend, sequences })
})

test(`${atOnce} sequences of six rounds, each given at once, end as some order of its commands`, async () => {
  await explainAtOnce({ twin: memoryBackend, sequences: atOnce })
})
