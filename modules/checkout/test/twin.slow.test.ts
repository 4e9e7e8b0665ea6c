import { test } from 'node:test'
import { agree } from './agree.ts'
import { memoryBackend } from './backends.ts'

const sequences = Number(process.env.HOLDFAST_TEST_ROUNDS ?? 50)

test(`${sequences} sequences of a hundred commands end alike on PostgreSQL and on its twin`, async () => {
  await agree({ twin: memoryBackend, sequences })
})
