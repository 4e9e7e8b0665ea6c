import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { importMutant, type Mutation } from '#platform/test-mutant.ts'
import { chance } from './chance.ts'
import type { Draft, RequestDraft } from './commands.ts'
import { assertAgree, assertSerial, type Round, rounds, sequence } from './reservation-store.contract.ts'
import { memoryStand } from './stand.ts'
import { turnByTurn } from './turn-by-turn.ts'

/** Negative controls on the twin: with a guard taken away, the contract that the intact twin keeps is seen to break. */
type Guard = {
  changes: Record<string, readonly Mutation[]>
  seenBy: 'sequences' | 'rounds'
  /** What all holds have in common, so that they meet where the guard stood; or all there is to the rounds. */
  crowd?: Partial<RequestDraft> | Round[]
}

const everybodyMayBuy = { event: 0, body: 0, replaces: 'nothing', probe: false, stale: false, limit: 9 } as const

const holdOf = (seatNo: number): Draft => ({
  kind: 'hold',
  careful: true,
  requests: [{ ...everybodyMayBuy, user: 0, key: 0, seats: [seatNo], areas: [], holdSeconds: 600, extensions: 0 }],
})

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are texts of programs
const guards: Record<string, Guard> = {
  'wanted seats are locked, and looked at again when they are moved': {
    changes: {
      'reservations/memory/hold-batch.ts': [
        [
          'const locked = await this.#tx.lock(seats, {',
          "const locked = await this.#tx.read('unlocked', view => view.rows(seats, {",
        ],
        [
          'where: seat => claimable(seat, seatKey(seat.eventNo, seat.seatNo)),\n      order: bySeat,\n      skipLocked: true,\n    })',
          'where: seat => claimable(seat, seatKey(seat.eventNo, seat.seatNo)),\n      order: bySeat,\n    }))',
        ],
        ['      where: seat => isClaimable(seat, this.#now),\n', ''],
      ],
    },
    seenBy: 'rounds',
  },
  'only what can be claimed is claimed': {
    changes: {
      'reservations/seat.ts': [
        ["if (seat.status === 'available') return true", "if (seat.status !== 'blocked') return true"],
      ],
    },
    seenBy: 'sequences',
  },
  'one live hold a user and event': {
    changes: {
      'reservations/memory/tables.ts': [
        ["(row.state === 'pending_payment' ? `${row.eventNo}/${row.userId}` : null)", 'null'],
      ],
    },
    seenBy: 'rounds',
  },
  'a key makes one reservation': {
    changes: {
      'reservations/memory/tables.ts': [['row => `${row.eventNo}/${row.userId}/${row.keyHash}`', '() => null']],
    },
    seenBy: 'rounds',
    // A copy that is under way while the first is made and cancelled: the index of live holds does not see it.
    crowd: [{ before: [], lanes: [[holdOf(0)], [holdOf(1), { kind: 'cancel', which: 0, byOwner: true }]] }],
  },
  'an area gives what it has': {
    changes: {
      'reservations/memory/hold-batch.ts': [['if (available < quantity) {', 'if (available < 0) {']],
      'reservations/memory/tables.ts': [['row.available >= 0 && row.setAside >= 0', 'true || row.available === 0']],
    },
    seenBy: 'sequences',
  },
  'areas are locked before they are counted': {
    changes: {
      'reservations/memory/hold-batch.ts': [
        [
          'const locked = await this.#tx.lock(areas, {',
          "const locked = await this.#tx.read('unlocked', view => view.rows(areas, {",
        ],
        ['      order: byArea,\n    })\n    let left', '      order: byArea,\n    }))\n    let left'],
      ],
      'reservations/memory/tables.ts': [['row.available >= 0 && row.setAside >= 0', 'true || row.available === 0']],
    },
    seenBy: 'rounds',
    crowd: { ...everybodyMayBuy, seats: [], areas: [{ areaNo: 1, quantity: 2 }] },
  },
  'only its own seats are released': {
    changes: {
      'reservations/memory/end-reservations.ts': [
        [
          'locked.some(row => row.eventNo === seat.eventNo && row.reservationId === seat.reservationId)',
          'seat !== null',
        ],
        ['freedOf.get(seat.reservationId!)!', ';(freedOf.get(seat.reservationId!) ?? [])'],
      ],
    },
    seenBy: 'sequences',
  },
  'a hold is claimable from its end, not before': {
    changes: { 'reservations/seat.ts': [['seat.heldUntil! <= now ||', 'seat.heldUntil! <= now + 1 ||']] },
    seenBy: 'sequences',
  },
  'a hold is expired from its end, not before': {
    changes: { 'reservations/memory/changes.ts': [['row.expiresAt <= now,', 'row.expiresAt <= now + 1,']] },
    seenBy: 'sequences',
  },
  'the sales fence stops holds': {
    changes: {
      'reservations/memory/hold-batch.ts': [
        ['salesClosed: fence?.closed !== false', 'salesClosed: fence === undefined'],
      ],
    },
    seenBy: 'sequences',
  },
  'the version of the event is compared': {
    changes: {
      'reservations/hold/judge-request.ts': [['event.version !== request.eventVersion', 'event.version < 0']],
    },
    seenBy: 'sequences',
  },
  'the ticket limit counts what the user has': {
    changes: { 'reservations/hold/judge-request.ts': [['request.quantity + tickets >', 'request.quantity >']] },
    seenBy: 'sequences',
  },
  'a reservation ends once': {
    changes: {
      'reservations/memory/end-reservations.ts': [["    where: row => row.state === 'pending_payment',\n", '']],
      'reservations/memory/changes.ts': [
        [
          'const [reservation] = await tx.lock(reservations, {',
          "const [reservation] = await tx.read('unlocked', view => view.rows(reservations, {",
        ],
        ['keys: [reservationKey(eventNo, reservationId)] })', 'keys: [reservationKey(eventNo, reservationId)] }))'],
      ],
    },
    seenBy: 'rounds',
  },
  'a seat set aside is nobody’s before': {
    changes: {
      'reservations/memory/changes.ts': [
        [
          "const mayBlock = (seat: SeatRow) => isClaimable(seat, now) || seat.status === 'blocked'",
          'const mayBlock = (_: SeatRow) => true',
        ],
        ['    where: seat => isClaimable(seat, now),\n', ''],
      ],
    },
    seenBy: 'sequences',
  },
  'every change of a seat counts': {
    changes: {
      'reservations/memory/hold-batch.ts': [['generation: seat.generation + 1,', 'generation: seat.generation,']],
    },
    seenBy: 'sequences',
  },
  'every change is told': {
    changes: {
      'reservations/memory/tell.ts': [
        ['if (messages.length === 0) return', "if (messages[0]?.type !== 'ReservationCreated') return"],
      ],
    },
    seenBy: 'sequences',
  },
}

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are texts of programs

type Stands = typeof import('./stand.ts')

for (const [name, guard] of Object.entries(guards))
  test(`without it the contract breaks: ${name}`, async () => {
    const harm = await firstHarm(guard, 1000)
    assert.ok(harm !== null, 'the harm is seen')
    assert.doesNotMatch(harm, /fault"?:/, 'the mutant breaks the contract, not itself')
  })

test('a mutant that changes nothing keeps the contract', async () => {
  const changes: Guard['changes'] = {
    'seat.ts': [["return seat.status === 'held' &&", "return 'held' === seat.status &&"]],
  }
  for (const seenBy of ['sequences', 'rounds'] as const) assert.equal(await firstHarm({ changes, seenBy }, 20), null)
})

/** What the contract says of the mutant's twin, or null if it found nothing. */
async function firstHarm({ changes, seenBy, crowd }: Guard, numRuns: number): Promise<string | null> {
  const mutant = await importMutant<Stands>(new URL('./stand.ts', import.meta.url), changes)
  const parameters = { seed: 20261121, numRuns, endOnFailure: true }
  const result =
    seenBy === 'sequences'
      ? await fc.check(
          fc.asyncProperty(sequence, drafts => assertAgree(mutant.memoryStand(), memoryStand(), drafts)),
          parameters,
        )
      : await fc.check(
          fc.asyncProperty(rounds, fc.nat(), (drawn, seed) => {
            const { scheduler, race } = turnByTurn(chance(seed))
            return assertSerial(mutant.memoryStand({ scheduler }), race, gather(drawn, crowd))
          }),
          parameters,
        )
  if (!result.failed) return null
  assert.ok(result.errorInstance instanceof assert.AssertionError, String(result.errorInstance))
  return result.errorInstance.message
}

function gather(drawn: readonly Round[], crowd: Guard['crowd'] = {}): readonly Round[] {
  if (Array.isArray(crowd)) return crowd
  const gathered = (drafted: Draft): Draft =>
    drafted.kind === 'hold'
      ? { ...drafted, requests: drafted.requests.map(request => ({ ...request, ...crowd })) }
      : drafted
  return drawn.map(({ before, lanes }) => ({
    before: before.map(gathered),
    lanes: lanes.map(lane => lane.map(gathered)),
  }))
}
