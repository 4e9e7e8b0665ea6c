import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importMutant } from '#platform/test-mutant.ts'
import { agree } from './agree.ts'
import { explainAtOnce } from './at-once.ts'
import type * as Backends from './backends.ts'
import { memoryBackend } from './backends.ts'
import type * as Till from './till.ts'

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

test('what happens to an order at once ends as if one had happened after the other', async () => {
  await explainAtOnce({ twin: memoryBackend, sequences: 8 })
})

test('orders that nobody locks end as no order of events explains', async () => {
  const { openTill } = await importMutant<typeof Till>(new URL('./till.ts', import.meta.url), {
    'reservations/change/lock-reservation.sql.ts': [['        for update\n', '']],
    'payments/payments.sql.ts': [['p.reservation_id = $2 for update`', 'p.reservation_id = $2`']],
  })
  await assert.rejects(explainAtOnce({ twin: memoryBackend, sequences: 20, openTill }), /Property failed/)
})
