import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { allowances } from '../allowances.ts'
import { type Allowance, describe, judge } from '../judge.ts'
import { moduleList } from '../rules/modules.ts'
import { rules } from '../rules.ts'
import { readTree, treeOf } from '../tree.ts'

test('the tree keeps the house rules', () => {
  const tree = readTree(fileURLToPath(new URL('../../../', import.meta.url)))
  const verdicts = judge(tree, rules, allowances)
  assert.equal(verdicts.length, 0, `\n${describe(verdicts)}\n`)
})

/** For each rule: a tree that breaks it, what is found there, and the same done right. The first is its negative control. */
const cases: Record<string, { wrong: Record<string, string>; found: string[]; right: Record<string, string> }[]> = {
  layers: [
    {
      wrong: { 'kernel/ids.ts': `import type { Actor } from '#contracts/actor.ts'` },
      found: ['contracts/actor.ts'],
      right: { 'contracts/actor.ts': `import type { Id } from '#kernel/ids.ts'` },
    },
    {
      wrong: { 'platform/http/server.ts': `const { catalog } = await import('#catalog')` },
      found: ['modules/catalog/index.ts'],
      right: { 'modules/catalog/http.ts': `import type { Routes } from '#platform/http/server.ts'` },
    },
    {
      wrong: { 'contracts/catalog.ts': `export * from '../modules/catalog/event.ts'` },
      found: ['modules/catalog/event.ts'],
      right: { 'contracts/catalog.ts': `export * from './event.ts'` },
    },
    {
      wrong: { 'modules/catalog/http.ts': `import { roles } from '../../apps/server/roles.ts'` },
      found: ['apps/server/roles.ts'],
      right: { 'apps/server/roles.ts': `import { routes } from '#catalog'` },
    },
    {
      wrong: { 'fans/buyer.ts': `import { holdSeats } from '#reservations'` },
      found: ['modules/reservations/index.ts'],
      right: { 'fans/buyer.ts': `import type { Reservation } from '#contracts/reservations.ts'` },
    },
    {
      wrong: { 'services/mail.ts': `import { ids } from '#kernel/ids.ts'` },
      found: ['kernel/ids.ts'],
      right: { 'services/mail.ts': '' },
    },
  ],
  'module-calls': [
    {
      wrong: { 'modules/catalog/event.ts': `import type { Reservation } from '#reservations'` },
      found: ['reservations'],
      right: { 'modules/reservations/hold.ts': `import type { Event } from '#catalog'` },
    },
    { wrong: { 'modules/loyalty/points.ts': '' }, found: ['loyalty'], right: { 'modules/tickets/ticket.ts': '' } },
  ],
  'module-doors': [
    {
      wrong: { 'modules/reservations/hold.ts': `import { Event } from '../catalog/event.ts'` },
      found: ['modules/catalog/event.ts'],
      right: { 'modules/reservations/hold.ts': `import { Event } from '#catalog'` },
    },
    {
      wrong: { 'apps/server/roles.ts': `import { routes } from '../../modules/catalog/index.ts'` },
      found: ['modules/catalog/index.ts'],
      right: { 'modules/catalog/http.ts': `import { routes } from './index.ts'` },
    },
    { wrong: { 'modules/tickets/index.ts': '' }, found: ['#tickets'], right: { 'modules/catalog/index.ts': '' } },
  ],
  'tests-stay-apart': [
    {
      wrong: {
        'kernel/test/manual-clock.ts': '',
        'kernel/clock.ts': `import { manualClock } from './test/manual-clock.ts'`,
      },
      found: ['kernel/test/manual-clock.ts'],
      right: {
        'kernel/test/manual-clock.ts': '',
        'kernel/test/a.test.ts': `import { manualClock } from './manual-clock.ts'`,
      },
    },
    {
      wrong: {
        'platform/postgres/test-database.ts': '',
        'apps/cli/a.ts': `import '#platform/postgres/test-database.ts'`,
      },
      found: ['platform/postgres/test-database.ts'],
      right: { 'platform/postgres/test-database.ts': '', 'tools/a.ts': `import '#platform/postgres/test-database.ts'` },
    },
  ],
  cycles: [
    {
      wrong: {
        'kernel/a.ts': `import { b } from './b.ts'`,
        'kernel/b.ts': `import { c } from './c.ts'`,
        'kernel/c.ts': `import { a } from './a.ts'`,
      },
      found: ['kernel/a.ts'],
      right: { 'kernel/a.ts': `import { b } from './b.ts'`, 'kernel/b.ts': `import type { A } from './a.ts'` },
    },
  ],
  packages: [
    {
      wrong: { 'kernel/ids.ts': `import { ulid } from 'ulid/monotonic'` },
      found: ['ulid'],
      right: { 'kernel/ids.ts': `import { randomUUID } from 'node:crypto'` },
    },
    {
      wrong: { 'modules/catalog/events.ts': `import pg from 'pg'` },
      found: ['pg'],
      right: {
        'platform/postgres/database.ts': `import pg from 'pg'`,
        'modules/catalog/a.test.ts': `import pg from 'pg'`,
      },
    },
    {
      wrong: { 'contracts/catalog.ts': `import { z } from '@scope/schemas/v4'` },
      found: ['@scope/schemas'],
      right: { 'contracts/catalog.ts': `import { Type } from 'typebox'` },
    },
  ],
  'ambient-time-and-chance': [
    {
      wrong: {
        'modules/catalog/a.ts': `const a = [Date.now(), new Date(), Math.random(), setTimeout(f, 1)] // Date.now()`,
        'platform/jobs/b.ts': `import { setTimeout as sleep } from 'node:timers/promises'`,
        'kernel/c.ts': `import { randomUUID } from 'node:crypto'`,
      },
      found: ['randomUUID', 'Date.now', 'Date', 'Math.random', 'setTimeout', 'setTimeout'],
      right: {
        'modules/catalog/a.ts': `const a = [clock.now(), new Date(at), random.fraction()] // not Date.now()`,
        'modules/catalog/test/a.test.ts': 'Date.now()',
        'apps/cli/doctor.ts': 'Date.now()',
      },
    },
  ],
  environment: [
    {
      wrong: { 'modules/catalog/a.ts': 'const port = process.env.PORT', 'fans/a.ts': 'const { PORT } = process.env' },
      found: ['process.env', 'process.env'],
      right: { 'modules/catalog/test/a.test.ts': 'process.env.PORT', 'modules/catalog/a.ts': `'process.env'` },
    },
  ],
  'time-in-sql': [
    {
      wrong: {
        'modules/catalog/a.ts': 'const sql = `select ${x} where ends_at < now()`',
        'db/migrations/0009-a.sql': 'create table a (at timestamptz default current_timestamp); -- now()',
      },
      found: ['current_timestamp', 'now'],
      right: {
        'modules/catalog/a.ts': 'const sql = `select ${clock.now()} where ends_at < holdfast.clock()`',
        'db/migrations/0009-a.sql': '-- Not now(), which stands still.',
      },
    },
  ],
  'session-state': [
    {
      wrong: {
        'platform/jobs/a.ts': `db.query('select pg_advisory_lock(1)')`,
        'db/b.sql': 'create temp table b (c int4)',
      },
      found: ['create temp table', 'pg_advisory_lock'],
      right: { 'platform/jobs/a.ts': `db.query('select pg_advisory_xact_lock(1)')` },
    },
  ],
  'words-of-platform': [
    {
      wrong: { 'platform/jobs/a.ts': `const seatNo = 1; const b = 'HELD_TICKETS'` },
      found: ['seat', 'tickets'],
      right: {
        'platform/jobs/a.ts': 'const unseated = 1 // a seat, for example',
        'modules/catalog/a.ts': 'const seatNo = 1',
      },
    },
  ],
  'file-names': [
    {
      wrong: {
        'kernel/dateUtils.ts': '',
        'kernel/string-utils.ts': '',
        'kernel/shared/a.ts': '',
        'kernel/_draft.ts': '',
      },
      found: ['_draft.ts', 'dateUtils.ts', 'shared', 'utils'],
      right: { 'kernel/hold-batch.sql.ts': '', 'kernel/test/hold.pg.test.ts': '', 'kernel/shared-body.ts': '' },
    },
  ],
  'exported-names': [
    {
      wrong: { 'kernel/a.ts': 'export class SeatManager {}\nexport async function dateHelper() {}' },
      found: ['SeatManager', 'dateHelper'],
      right: { 'kernel/a.ts': 'export class SeatMap {}\nclass SeatManager {}\nexport const serviced = 1' },
    },
  ],
  'test-names': [
    {
      wrong: { 'kernel/test/a.test.ts': `import { testDatabase } from '#platform/postgres/test-database.ts'` },
      found: ['#platform/postgres/test-database.ts'],
      right: { 'kernel/test/a.pg.test.ts': `import { testDatabase } from '#platform/postgres/test-database.ts'` },
    },
  ],
  'tests-all-run': [
    {
      wrong: { 'kernel/test/a.test.ts': `test.only('a', () => {})\ntest('b', { skip: true }, () => {})` },
      found: ['only', 'skip'],
      right: { 'kernel/test/a.test.ts': `test('only: skip', () => {})\ntest('b', { skip: !isRoot }, () => {})` },
    },
  ],
}

const subpaths = {
  '#kernel/*': './kernel/*',
  '#contracts/*': './contracts/*',
  '#platform/*': './platform/*',
  '#catalog': './modules/catalog/index.ts',
}

for (const rule of rules) {
  test(`"${rule.name}" finds what breaks it, and lets pass what does not`, () => {
    assert.ok(cases[rule.name]?.length, 'a rule without a case may guard nothing')
    const found = (texts: Record<string, string>) => {
      const index = { 'modules/catalog/index.ts': '' }
      return [...rule.check(treeOf({ ...index, ...texts }, subpaths))].map(({ what }) => what)
    }
    for (const { wrong, found: expected, right } of cases[rule.name]!) {
      assert.deepEqual(found(wrong), expected)
      assert.deepEqual(found(right), [])
    }
  })
}

test('an exception needs a place, and is a finding itself when nothing needs it any more', () => {
  const tree = treeOf({ 'kernel/a.ts': 'Date.now()', 'kernel/clock/b.ts': 'Date.now()' }, {})
  const allow = (path: string): Allowance => ({
    rule: 'ambient-time-and-chance',
    path,
    what: 'Date.now',
    reason: 'a test',
  })
  const findings = (allowed: Allowance[]) => judge(tree, rules, allowed).flatMap(verdict => verdict.findings)

  assert.deepEqual(findings([allow('kernel/a.ts'), allow('kernel/clock/')]), [])
  assert.deepEqual(
    findings([allow('kernel/clock/')]).map(({ path }) => path),
    ['kernel/a.ts'],
  )
  assert.match(
    describe(judge(tree, rules, [allow('kernel/'), allow('kernel/gone.ts')])),
    /^idle-allowance: .*\n.*allows "Date.now" in kernel\/gone\.ts/,
  )
  assert.equal(findings([{ ...allow('kernel/'), what: 'Date' }]).length, 3)
})

test('every exception of ours says why', () => {
  for (const { reason, path } of allowances) assert.match(reason, /\w+ \w+ \w+/, path)
})

test('the list of modules has no circle', () => {
  const reaches = (from: string): string[] => moduleList[from]!.flatMap(to => [to, ...reaches(to)])
  for (const name of Object.keys(moduleList)) assert.ok(!reaches(name).includes(name))
})
