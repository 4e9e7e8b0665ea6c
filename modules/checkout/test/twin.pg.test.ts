import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importMutant } from '#platform/test-mutant.ts'
import { agree } from './agree.ts'
import type * as Backends from './backends.ts'
import { memoryBackend } from './backends.ts'

test('sequences of commands end alike on PostgreSQL and on its twin', async () => {
  await agree({ twin: memoryBackend, sequences: 10 })
})

test('a twin that differs is found out', async () => {
  const { memoryBackend: wrong } = await importMutant<typeof Backends>(new URL('./backends.ts', import.meta.url), {
    'reservations/memory/sale-statements.ts': [
      [
        "const status = event?.returns === 'available' ? 'available' : 'blocked'",
        "const status = 'available' as string",
      ],
    ],
  })
  await assert.rejects(agree({ twin: wrong, sequences: 20 }), /Property failed/)
})
