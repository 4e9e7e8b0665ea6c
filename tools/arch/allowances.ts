import type { Allowance } from './judge.ts'

const envelope =
  'how we refuse and who asks are the envelope of HTTP, the same for every product; a table passed in would cost the compiler its check that each code exists'
const chance = 'this is the port through which chance comes in'
const time = 'this is the port through which time comes in'
const tick = 'it measures how late real timers run and sweeps real sockets, which a simulation does not have'
const plans = 'the demo plans are proved against the importer itself, without a server'

/** Where a rule does not hold, and why. An entry that nothing needs any more fails the check. */
export const allowances: readonly Allowance[] = [
  { rule: 'layers', path: 'platform/http/', what: 'contracts/problems.ts', reason: envelope },
  { rule: 'layers', path: 'platform/http/', what: 'contracts/actor.ts', reason: envelope },
  { rule: 'layers', path: 'platform/idempotency/', what: 'contracts/problems.ts', reason: envelope },
  { rule: 'layers', path: 'platform/idempotency/', what: 'contracts/actor.ts', reason: envelope },

  {
    rule: 'module-doors',
    path: 'tools/seating-plans/test/',
    what: 'modules/catalog/seat-map/import-seat-map.ts',
    reason: plans,
  },
  {
    rule: 'module-doors',
    path: 'tools/seating-plans/test/',
    what: 'modules/catalog/seat-map/seat-map.ts',
    reason: plans,
  },

  { rule: 'ambient-time-and-chance', path: 'kernel/clock.ts', what: 'Date.now', reason: time },
  { rule: 'ambient-time-and-chance', path: 'kernel/clock.ts', what: 'performance.now', reason: time },
  { rule: 'ambient-time-and-chance', path: 'kernel/clock.ts', what: 'setTimeout', reason: time },
  { rule: 'ambient-time-and-chance', path: 'kernel/random.ts', what: 'randomFillSync', reason: chance },
  { rule: 'ambient-time-and-chance', path: 'platform/http/deadline.ts', what: 'setInterval', reason: tick },
  { rule: 'ambient-time-and-chance', path: 'platform/http/shedding.ts', what: 'setInterval', reason: tick },

  {
    rule: 'ambient-time-and-chance',
    path: 'modules/payments/sandbox/run-sandbox.ts',
    what: 'AbortSignal.timeout',
    reason: 'it gives up on a real socket; simulations use the provider without this process around it',
  },
  {
    rule: 'ambient-time-and-chance',
    path: 'modules/payments/sandbox/living.ts',
    what: 'AbortSignal.timeout',
    reason: 'it asks another process over a real socket',
  },

  {
    rule: 'layers',
    path: 'apps/cli/holdfast.mjs',
    what: 'tools/bootstrap/launch.mjs',
    reason: 'the door may be opened by an old Node before anything is installed, as `npm start` may',
  },
  {
    rule: 'environment',
    path: 'sim/compare-with-postgres.ts',
    what: 'process.env',
    reason: 'the test that it runs is told its rounds there',
  },
  {
    rule: 'environment',
    path: 'apps/cli/holdfast.mjs',
    what: 'process.env',
    reason: 'the door of the program, which passes the environment in',
  },

  {
    rule: 'environment',
    path: 'fans/rehearse.ts',
    what: 'process.env',
    reason: 'fans know nothing of the settings; a password belongs in no argument that others can list',
  },
  {
    rule: 'environment',
    path: 'fans/own-server.ts',
    what: 'process.env',
    reason: 'it starts the program as a person does, with a path and no other settings of theirs',
  },

  {
    rule: 'time-in-sql',
    path: 'db/migrations/0001-foundation.sql',
    what: 'clock_timestamp',
    reason: 'this is the one clock',
  },
  {
    rule: 'time-in-sql',
    path: 'apps/cli/doctor/database.ts',
    what: 'clock_timestamp',
    reason: 'the doctor examines the clock of a database that may not be migrated yet',
  },

  ...['buyers', 'reservation', 'checkout', 'refunds', 'payment', 'payments', 'tickets'].map(what => ({
    rule: 'words-of-platform',
    path: 'platform/config/options.ts',
    what,
    reason: 'the one table of settings tells an operator what each is for',
  })),
]
