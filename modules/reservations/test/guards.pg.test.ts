import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { newId, toUuid, type UserId } from '#kernel/ids.ts'
import { importMutant, type Mutation, withMutantFunctions } from '#platform/test-mutant.ts'
import { holdBatch } from '../hold/hold-batch.sql.ts'
import type { HoldOutcome, HoldRequest } from '../ports.ts'
import { counterSource, extensionSeconds } from './commands.ts'
import { brokenRules } from './invariants.ts'
import { type Meeting, meetingAt } from './meeting.ts'
import { hold, makeRequest, tryHold } from './requests.ts'
import { origin, type PostgresStand, postgresStand } from './stand.ts'

/**
 * Negative controls on PostgreSQL. Each guard has a story in which it is all that stands between the store and a harm. The
 * story is told twice: as the store is, and with the guard taken away. A story returns the harm it saw.
 */
type Guard = {
  story: (at: PostgresStand, meeting: Meeting) => Promise<string[]>
  functions?: Record<string, readonly Mutation[]>
  /** Constraints and indexes to drop. */
  drop?: string[]
  /** Sources of this capability. */
  sources?: Record<string, readonly Mutation[]>
}

const stand = await postgresStand()
const meeting = await meetingAt(stand)
const { db } = stand.database
const ids = counterSource()
const careful = { careful: true }

beforeEach(async () => {
  await stand.clear()
  await stand.addEvent({ eventNo: 1, seatCount: 10, areas: [2] })
})

const claimable = `(s.status = 'available' or (s.status = 'held' and s.held_until <= v_now))`
const unguardedMove: Mutation = [
  `s.seat_no = f.seat_no\n      and ${claimable}\n    returning f.i, f.request`,
  's.seat_no = f.seat_no\n    returning f.i, f.request',
]
const unguardedClaim: Mutation = [
  `    where v_out[f.request] = 0
      and (s.status = 'available'
        or (s.status = 'held' and (s.held_until <= v_now or s.reservation_id = r_replaces[f.request])))
    order by`,
  '    where v_out[f.request] = 0\n    order by',
]

const guards: Record<string, Guard> = {
  'the careful way locks a seat before it gives it': {
    functions: {
      hold_batch: [
        [
          'for update of s skip locked\n  ) l;\n\n  select count(*) into v_wanted from unnest(s_request)',
          ') l;\n\n  select count(*) into v_wanted from unnest(s_request)',
        ],
        unguardedMove,
      ],
    },
    async story(at, meeting) {
      const [first, second] = [request({ seats: [1] }), request({ seats: [1] })]
      await blockInsertOf(meeting, first)
      const slow = tryHold(at, [first], careful)
      await meeting.untilWaiting(1)
      await tryHold(at, [second], careful)
      await meeting.rollback()
      await slow
      return harmIn(at)
    },
  },
  'the careful way gives only what can be claimed': {
    functions: { hold_batch: [unguardedClaim, unguardedMove] },
    async story(at) {
      await hold(at, [request({ seats: [1] })])
      await tryHold(at, [request({ seats: [1, 2] })], careful)
      return harmIn(at)
    },
  },
  'the fast way gives only what can be claimed': {
    functions: {
      hold_batch: [
        [`          and ${claimable}\n        returning f.i, s.generation`, '        returning f.i, s.generation'],
      ],
    },
    async story(at) {
      await hold(at, [request({ seats: [1] })])
      await tryHold(at, [request({ seats: [1, 2] })])
      return harmIn(at)
    },
  },
  'the fast way counts what it moved': {
    functions: { hold_batch: [['cardinality(v_generations) is distinct from cardinality(s_request)', 'false']] },
    async story(at) {
      await hold(at, [request({ seats: [1] })])
      await tryHold(at, [request({ seats: [1, 2] })])
      return harmIn(at)
    },
  },
  'the index of live holds lets a user have one': {
    drop: ['index one_live_hold_per_user_and_event'],
    async story(at, meeting) {
      const userId = newId('usr', ids)
      await meeting.query('select from holdfast.areas for update')
      const slow = tryHold(at, [request({ userId, keyHash: key(1), areas: [{ areaNo: 0, quantity: 1 }] })])
      await meeting.untilWaiting(1)
      await hold(at, [request({ userId, keyHash: key(2), seats: [1] })])
      await meeting.rollback()
      await slow
      return harmIn(at)
    },
  },
  'the index of keys lets a key make one reservation': {
    drop: ['constraint a_key_makes_one_reservation'],
    async story(at, meeting) {
      const userId = newId('usr', ids)
      await meeting.query('select from holdfast.areas for update')
      const slow = tryHold(at, [request({ userId, areas: [{ areaNo: 0, quantity: 1 }] })])
      await meeting.untilWaiting(1)
      const copy = request({ userId, seats: [1] })
      await hold(at, [copy])
      await at.store.cancel(copy)
      await meeting.rollback()
      await slow
      return harmIn(at)
    },
  },
  'an area is counted before it is given': {
    functions: { hold_batch: [['if coalesce(v_area_left[v_area], 0) < a_quantity[v_at] then', 'if false then']] },
    drop: ['constraint available_is_within_capacity'],
    async story(at) {
      await hold(at, [request({ areas: [{ areaNo: 0, quantity: 2 }] })])
      await tryHold(at, [request({ areas: [{ areaNo: 0, quantity: 1 }] })])
      return harmIn(at)
    },
  },
  'an area is locked before it is counted': {
    functions: {
      hold_batch: [
        [
          '      order by a.event_no, a.area_no\n      for update\n    ) l;',
          '      order by a.event_no, a.area_no\n    ) l;',
        ],
      ],
    },
    drop: ['constraint available_is_within_capacity'],
    async story(at, meeting) {
      const [first, second] = [1, 2].map(() => request({ areas: [{ areaNo: 0, quantity: 2 }] }))
      await blockInsertOf(meeting, first!)
      const slow = tryHold(at, [first!])
      await meeting.untilWaiting(1)
      const other = tryHold(at, [second!])
      await meeting.untilWaiting(2, other)
      await meeting.rollback()
      await Promise.all([slow, other])
      return harmIn(at)
    },
  },
  'only its own seats are released': {
    functions: {
      end_reservations: [
        [
          's.seat_no = w.seat_no and s.reservation_id = w.reservation_id\n      order by',
          's.seat_no = w.seat_no\n      order by',
        ],
        ['      and s.reservation_id = w.reservation_id and s.status', '      and s.status'],
      ],
    },
    async story(at) {
      await hold(at, [request({ seats: [1, 2] })])
      await at.advance(600_000)
      await hold(at, [request({ seats: [2] })])
      await at.store.expireDue(10)
      return harmIn(at)
    },
  },
  'a hold is not swept before its end': {
    functions: { expire_due: [['r.expires_at <= v_now', "r.expires_at <= v_now + interval '1 ms'"]] },
    async story(at) {
      await hold(at, [request({ seats: [1] })])
      await at.advance(599_999)
      const swept = await at.store.expireDue(10)
      return swept > 0 ? ['swept early'] : []
    },
  },
  'a hold is not claimed before its end': {
    functions: {
      hold_batch: [
        [
          's.held_until <= v_now))\n        returning f.i, s.gen',
          "s.held_until <= v_now + interval '1 ms'))\n        returning f.i, s.gen",
        ],
        [
          's.held_until <= v_now or s.reservation_id = r_replaces[f.request])))\n    order by',
          "s.held_until <= v_now + interval '1 ms')))\n    order by",
        ],
        [
          's.held_until <= v_now))\n    returning f.i, f.request',
          "s.held_until <= v_now + interval '1 ms'))\n    returning f.i, f.request",
        ],
      ],
    },
    async story(at) {
      await hold(at, [request({ seats: [1] }), request({ seats: [2] })])
      await at.advance(599_999)
      return bothWays(at)
    },
  },
  'the clock is read after the lock': {
    sources: {
      // biome-ignore-start lint/suspicious/noTemplateCurlyInString: texts of a program
      'reservations/change/lock-reservation.sql.ts': [
        ['select locked.*, ${nowMs} as now', 'select locked.*'],
        ['select ${reservationColumns}\n', 'select ${reservationColumns}, ${nowMs} as now\n'],
      ],
      // biome-ignore-end lint/suspicious/noTemplateCurlyInString: texts of a program
    },
    async story(at, meeting) {
      const held = request({ seats: [1] })
      await hold(at, [held])
      await meeting.query('select from holdfast.reservations for update')
      const extending = at.store.extend({ ...held, extensionSeconds })
      await meeting.untilWaiting(1)
      await at.advance(600_000)
      await meeting.rollback()
      return (await extending).ok ? ['extended what had run out'] : []
    },
  },
  'an extension moves all seats or nothing': {
    sources: {
      'reservations/change/extend.sql.ts': [
        ['          and (select count(*) from own) = cardinality($3)\n', ''],
        ['          and (select count(*) from moved) = cardinality($3)\n', ''],
      ],
    },
    async story(at) {
      const held = request({ seats: [1, 2] })
      await hold(at, [held])
      await at.advance(600_000)
      await hold(at, [request({ seats: [1] })])
      // The clock of the database's host is set back.
      await at.advance(-1000)
      await at.store.extend({ ...held, extensionSeconds })
      await at.advance(1000)
      return harmIn(at)
    },
  },
  'the sales fence stops both ways': {
    functions: {
      hold_batch: [
        ['when f.closed is distinct from false then 6', 'when false then 6'],
        ['e.version = q.version and not f.closed\n', 'e.version = q.version\n'],
      ],
    },
    async story(at) {
      await at.setFence(true)
      return bothWays(at)
    },
  },
  'a sale without its fence is closed': {
    functions: {
      hold_batch: [
        ['when f.closed is distinct from false then 6', 'when f.closed then 6'],
        ['e.version = q.version and not f.closed\n', 'e.version = q.version and f.closed is not true\n'],
      ],
    },
    async story(at) {
      await at.database.db.query('delete from holdfast.sales_fence')
      const harm = await bothWays(at)
      await at.database.db.query('insert into holdfast.sales_fence default values')
      return harm
    },
  },
  'the version of the event is compared both ways': {
    functions: {
      hold_batch: [
        ['when e.version <> q.version then 4', 'when false then 4'],
        ['e.version = q.version and not f.closed\n', 'not f.closed\n'],
      ],
    },
    async story(at) {
      await at.setEvent({ eventNo: 1, version: 2, status: 'onsale', onsaleAt: null })
      return bothWays(at)
    },
  },
  'only an event on sale is sold, both ways': {
    functions: {
      hold_batch: [
        [
          "when not (e.status = 'onsale' or (e.status = 'scheduled' and e.onsale_at <= v_now)) then 5",
          'when false then 5',
        ],
        [
          "          and (e.status = 'onsale' or (e.status = 'scheduled' and e.onsale_at <= v_now))) < count(*)",
          '          ) < count(*)',
        ],
      ],
    },
    async story(at) {
      await at.setEvent({ eventNo: 1, version: 1, status: 'scheduled', onsaleAt: at.now() + 1 })
      return bothWays(at)
    },
  },
  'the ticket limit holds both ways': {
    functions: {
      hold_batch: [
        ['when q.quantity + coalesce(m.tickets, 0) > q.most then 7', 'when false then 7'],
        ['q.quantity > q.most or exists', 'exists'],
      ],
    },
    story: at => bothWays(at, { ticketLimit: 0 }),
  },
  'the fast way leaves areas to the careful one': {
    functions: { hold_batch: [['not p_careful and cardinality(a_request) = 0 and', 'not p_careful and']] },
    async story(at) {
      await tryHold(at, [request({ seats: [1], areas: [{ areaNo: 0, quantity: 1 }] })])
      const { areas } = await at.tables()
      return areas[0]!.available === 1 ? [] : ['places were given and not counted']
    },
  },
  'a probe writes nothing': {
    functions: { hold_batch: [[' and false = all (r_probe) then', ' then']] },
    story: async at => wins(...(await tryHold(at, [request({ seats: [1], probe: true })]))),
  },
  'a seat lost to the own first attempt is asked for again': {
    functions: { hold_batch: [['if 9 = any (v_out) or 11 = any (v_out) then', 'if false then']] },
    async story(at, meeting) {
      const userId = newId('usr', ids)
      // Somebody's overdue hold with the last places: who wants those must end it, and waits for its seat.
      await hold(at, [request({ seats: [5], areas: [{ areaNo: 0, quantity: 2 }] })])
      await at.advance(600_000)
      await meeting.query('select from holdfast.seats where seat_no = 5 for update')
      const copy = tryHold(at, [request({ userId, seats: [1], areas: [{ areaNo: 0, quantity: 1 }] })])
      await meeting.untilWaiting(1)
      await holdBatch(inTransaction(meeting), origin, [request({ userId, seats: [1] })])
      await meeting.commit()
      const [outcome] = await copy
      return outcome!.kind === 'again' ? [] : [`the copy was told ${outcome!.kind}`]
    },
  },
  'a sweeper goes round what others work on': {
    functions: { expire_due: [['    for update skip locked\n', '    for update\n']] },
    async story(at, meeting) {
      const [first, second] = [request({ seats: [1] }), request({ seats: [2] })]
      await hold(at, [first, second])
      await at.advance(600_000)
      await meeting.query('select from holdfast.reservations where reservation_id = $1 for update', [
        toUuid(first.reservationId),
      ])
      const sweeping = at.store.expireDue(10)
      const waited = await meeting.untilWaiting(1, sweeping)
      await meeting.rollback()
      await sweeping
      return waited ? ['the sweeper waited'] : []
    },
  },
}

for (const [name, guard] of Object.entries(guards)) {
  test(`${name}`, async () => assert.deepEqual(await guard.story(stand, meeting), []))

  test(`without it there is harm: ${name}`, async () => {
    if (guard.sources !== undefined) {
      const mutant = await importMutant<typeof import('./stand.ts')>(
        new URL('./stand.ts', import.meta.url),
        guard.sources,
      )
      const apart = await mutant.postgresStand()
      await apart.clear()
      await apart.addEvent({ eventNo: 1, seatCount: 10, areas: [2] })
      return assert.notDeepEqual(await guard.story(apart, await meetingAt(apart)), [])
    }
    await withMutantFunctions(db, guard.functions ?? {}, () =>
      without(guard.drop ?? [], async () => assert.notDeepEqual(await guard.story(stand, meeting), [])),
    )
  })
}

test('the last wall of an area: places that the batch miscounts are not sold', async () => {
  const { functions, story } = guards['an area is counted before it is given']!
  await withMutantFunctions(db, functions!, async () => {
    await assert.rejects(story(stand, meeting), /available_is_within_capacity/)
    assert.deepEqual(await harmIn(stand), [])
  })
})

const definitions: Record<string, string> = {
  'index one_live_hold_per_user_and_event': `create unique index one_live_hold_per_user_and_event
    on holdfast.reservations (event_no, user_id) where state = 'pending_payment'`,
  'constraint a_key_makes_one_reservation': `alter table holdfast.reservations
    add constraint a_key_makes_one_reservation unique (event_no, user_id, key_hash)`,
  'constraint available_is_within_capacity': `alter table holdfast.areas
    add constraint available_is_within_capacity check (available between 0 and capacity)`,
}

async function without(walls: string[], work: () => Promise<void>): Promise<void> {
  for (const wall of walls) {
    const [kind, name] = wall.split(' ')
    const table = definitions[wall]!.match(/holdfast\.(\w+)/)![1]
    await db.query(
      kind === 'index' ? `drop index holdfast.${name}` : `alter table holdfast.${table} drop constraint ${name}`,
    )
  }
  try {
    await work()
  } finally {
    await stand.clear()
    for (const wall of walls) await db.query(definitions[wall]!)
  }
}

function request(given: Omit<Parameters<typeof makeRequest>[1], 'eventNo'>): HoldRequest {
  return makeRequest(ids, { eventNo: 1, ...given })
}

function key(n: number): string {
  return String(n).padStart(32, '0')
}

/** Makes a batch wait when it inserts the reservation of this user: an unfinished one with the same key stands in its way. */
async function blockInsertOf(meeting: Meeting, { userId, keyHash }: { userId: UserId; keyHash: string }) {
  await meeting.query(
    `insert into holdfast.reservations (event_no, reservation_id, user_id, quantity, extensions_left, initial_extensions_left,
      created_at, expires_at, initial_expires_at, key_hash, request_hash, amount, currency)
    values (1, $1, $2, 1, 0, 0, holdfast.clock(), holdfast.clock() + interval '1 h', holdfast.clock(), $3, $3, 0, 'EUR')`,
    [toUuid(newId('rsv', ids, 1)), toUuid(userId), keyHash],
  )
}

/** The open transaction of a meeting as something to run a batch in. */
function inTransaction(meeting: Meeting): Parameters<typeof holdBatch>[0] {
  return {
    async query(statement) {
      const { text, values } = statement as { text: string; values: unknown[] }
      const { rows, rowCount } = await meeting.query(text, values)
      return { rows, rowCount: rowCount ?? 0 }
    },
  }
}

async function bothWays(at: PostgresStand, given: Partial<Pick<HoldRequest, 'ticketLimit'>> = {}): Promise<string[]> {
  const [fast] = await tryHold(at, [request({ seats: [1], ...given })])
  const [slow] = await tryHold(at, [request({ seats: [2], ...given })], careful)
  return wins(fast!, slow!)
}

function wins(...outcomes: HoldOutcome[]): string[] {
  return outcomes.filter(outcome => outcome.kind === 'held').map(() => 'held what was not to be had')
}

async function harmIn(at: PostgresStand): Promise<string[]> {
  return brokenRules(await at.tables(), at.now())
}
