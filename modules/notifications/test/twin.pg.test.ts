import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RetryableFault, TerminalFault } from '#kernel/faults.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createMemoryDatabase } from '#platform/memory/database.ts'
import { type MemoryStatements, statementDatabase } from '#platform/memory/statements.ts'
import type { Database } from '#platform/postgres/database.ts'
import { testDatabase } from '#platform/postgres/test-database.ts'
import { mailStatements, mails } from '../memory/index.ts'
import { aReservation, queue, told } from './orders.ts'
import { sending } from './sending.ts'

const { db, advance } = await testDatabase()

type Picture = { dedupe_key: string; state: string; attempts: number; last_error: string | null }[]
type Side = { db: Database; advance(ms: number): unknown; mails(): Promise<Picture> }

const types = ['SeatsSold', 'CheckoutQueued', 'CheckoutReady', 'RefundRequired'] as const

const commands = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('queue' as const),
      type: fc.nat(types.length - 1),
      order: fc.nat(2),
      again: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('send' as const), outcome: fc.constantFrom('taken', 'away', 'never') }),
    // Far from the ends of waits, so that the milliseconds in which PostgreSQL works decide nothing.
    fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(17_500, 130_500, 4_000_500) }),
  ),
  { minLength: 40, maxLength: 40 },
)

async function agree(statements: MemoryStatements, sequences: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(commands, async log => {
      await db.query('delete from holdfast.mails')
      const clock = manualClock()
      const database = createMemoryDatabase({ clock })
      const memory: Side = {
        db: statementDatabase(database.connect('mails'), statements),
        advance: ms => clock.advance(ms),
        mails: async () =>
          database
            .rows(mails)
            .map(({ dedupe_key, state, attempts, last_error }) => ({ dedupe_key, state, attempts, last_error })),
      }
      const postgres: Side = {
        db,
        advance,
        mails: async () =>
          (await db.query('select dedupe_key, state, attempts, last_error from holdfast.mails')).rows as Picture,
      }
      const orders = [aReservation(), aReservation(), aReservation()]
      const data = { late: false, amount: 1, currency: 'EUR', reason: 'asked', hold_until: '2031-01-01T00:00:00.000Z' }
      let last = told('SeatsSold', orders[0]!, data)
      let outcome = 'taken'
      // Half of the wait, always: by chance the two would wait differently.
      const random = { fraction: () => 0, bytes: (n: number) => Buffer.alloc(n) }
      const senders = [memory, postgres].map(side => ({
        side,
        sender: sending(
          side.db,
          {
            name: 'played',
            send: async () => {
              if (outcome === 'away') throw new RetryableFault('away')
              if (outcome === 'never') throw new TerminalFault('no such address')
            },
          },
          { random },
        ),
      }))
      for (const command of log) {
        if (command.kind === 'queue' && !command.again) last = told(types[command.type]!, orders[command.order]!, data)
        if (command.kind === 'send') outcome = command.outcome
        for (const { side, sender } of senders) {
          if (command.kind === 'queue') await queue(side.db, last)
          else if (command.kind === 'send') await sender.turn()
          else await side.advance(command.ms)
        }
        const byKey = (picture: Picture) => picture.sort((a, b) => (a.dedupe_key < b.dedupe_key ? -1 : 1))
        assert.deepEqual(byKey(await memory.mails()), byKey(await postgres.mails()), command.kind)
      }
    }),
    { numRuns: sequences, endOnFailure: true, seed: Number(process.env.HOLDFAST_TEST_SEED ?? 20261121) },
  )
}

test('mails are queued and sent on the twin as on PostgreSQL', () => agree(mailStatements, 15))

test('a twin that differs is found out: one that hands out a mail that waits', async () => {
  const eager: MemoryStatements = {
    ...mailStatements,
    postpone_mail_1: async (tx, [id, attempts, , reason]: [string, number, number, string]) =>
      mailStatements.postpone_mail_1!(tx, [id, attempts, 0, reason] as never),
  }
  await assert.rejects(agree(eager, 30), /Property failed/)
})
