import type { Mutation } from '#platform/test-mutant.ts'

/**
 * Bugs that a box office can have, each put back by a few words in a copy of the product. The numbers are those of the catalogue of
 * failures that the design was made from. A bug that is not caught says that the simulation does not look where it should.
 */
export type PlantedBug = { failure: string; bug: string; changes: Record<string, readonly Mutation[]> }

const twin = (file: string, ...mutations: Mutation[]) => ({ [file]: mutations })

export const bugs: readonly PlantedBug[] = [
  {
    failure: 'F1',
    bug: 'a seat is taken without looking whether somebody has it',
    changes: twin(
      'reservations/seat.ts',
      ["return seat.status === 'held' && (seat.heldUntil!", "return seat.status !== 'sold' && (seat.heldUntil!"],
      ['<= now ||', '<= now + 1e12 ||'],
    ),
  },
  {
    failure: 'F24',
    bug: 'a hold is over half a minute before its time',
    changes: twin('reservations/seat.ts', ['(seat.heldUntil! <= now ||', '(seat.heldUntil! <= now + 30_000 ||']),
  },
  {
    failure: 'F24',
    bug: 'the sweeper goes by a clock that is ahead',
    changes: twin('reservations/memory/changes.ts', [
      'async function expireDueIn(tx: MemoryTx, origin: string, limit: number): Promise<number> {\n  const now = tx.now()',
      'async function expireDueIn(tx: MemoryTx, origin: string, limit: number): Promise<number> {\n  const now = tx.now() + 20_000',
    ]),
  },
  {
    failure: 'F4',
    bug: 'the sweeper frees seats whose payment is open',
    changes: twin('reservations/memory/changes.ts', [
      "row.state === 'pending_payment' && row.reservedAt === null && row.expiresAt",
      "row.state === 'pending_payment' && row.expiresAt",
    ]),
  },
  {
    failure: 'F21',
    bug: 'an ended hold frees seats that are another’s by now',
    changes: twin(
      'reservations/memory/end-reservations.ts',
      ["where: seat => mine(seat) && (seat.status === 'held'", "where: seat => (seat.status === 'held'"],
      ['freedOf.get(seat.reservationId!)!.push(', 'freedOf.get(seat.reservationId!)?.push('],
    ),
  },
  {
    failure: 'F26',
    bug: 'a repeated key makes another hold',
    changes: {
      'reservations/hold/judge-request.ts': [
        ['own.find(reservation => reservation.keyHash === request.keyHash)', 'own.find(() => false)'],
        [
          "if (live !== undefined) return { kind: 'reservation-exists'",
          "if (live === null) return { kind: 'reservation-exists'",
        ],
      ],
      'reservations/memory/tables.ts': [
        ['a_key_makes_one_reservation: row =>', 'a_key_makes_one_reservation: row => row.reservationId ||'],
        ["(row.state === 'pending_payment' ?", '(row.eventNo < 0 ?'],
      ],
    },
  },
  {
    failure: 'F1',
    bug: 'places in an area are given without counting them',
    changes: twin('reservations/memory/hold-batch.ts', [
      'if (available < quantity) {',
      'if (available < quantity - 100) {',
    ]),
  },
  {
    failure: 'F18',
    bug: 'a hold that ends does not give its places back to the area',
    changes: twin('reservations/memory/end-reservations.ts', [
      'available: area.available + given.get(areaKey(area.eventNo, area.areaNo))!,',
      'available: area.available,',
    ]),
  },
  {
    failure: 'F7',
    bug: 'what has been settled is settled again',
    changes: twin('checkout/judge-payment.ts', [
      "    case 'captured':\n    case 'refund_pending':",
      "    case 'refund_pending':",
    ]),
  },
  {
    failure: 'F41',
    bug: 'a part that was captured counts as all of it',
    changes: twin('checkout/judge-payment.ts', [
      "if (intent.status === 'captured' && intent.amountCaptured !== payment.amount) return 'captured-amount-differs'",
      '',
    ]),
  },
  {
    failure: 'F16',
    bug: 'capturing is not written down before the provider captures',
    changes: twin('checkout/settle-payment.ts', [
      "return { payment: await beginCapture(turn, { late: false }), next: 'capture' }",
      "return { payment, next: 'capture' }",
    ]),
  },
  {
    failure: 'F16',
    bug: 'a time-out of a capture counts as a no',
    changes: twin('checkout/ask-provider.ts', [
      'if (!(error instanceof ProviderRefusal)) throw error\n    const now',
      "if (!(error instanceof ProviderRefusal)) return { intent: { ...authorized, status: 'cancelled' }, refusedWith: 'timeout' }\n    const now",
    ]),
  },
  {
    failure: 'F5',
    bug: 'the seats of a payment that is being captured are freed after a while',
    changes: twin('checkout/look-at-payments.ts', [
      "if (status === 'capturing') return Number.POSITIVE_INFINITY",
      "if (status === 'capturing') return unansweredMs",
    ]),
  },
  {
    failure: 'F13',
    bug: 'at the end of a hold nobody asks the provider',
    changes: twin(
      'checkout/look-at-payments.ts',
      [
        'if (payment.providerRef === null && learned === undefined) {',
        'if (isOver) return await dropWithoutIntent(payment)\n      if (payment.providerRef === null && learned === undefined) {',
      ],
      ["locked.status !== 'open' || locked.providerRef !== null) return", "locked.status !== 'open') return"],
    ),
  },
  {
    failure: 'F45',
    bug: 'a payment that nobody finished is never looked at again',
    changes: twin('checkout/settle-payment.ts', [
      'nextLookAt: now + captureLookMs })\n  }\n\n  async function sell(',
      'nextLookAt: null })\n  }\n\n  async function sell(',
    ]),
  },
  {
    failure: 'F27',
    bug: 'a late payment takes what it can get of its places',
    changes: {
      'reservations/memory/sale-statements.ts': [['if (free.length !== seatNos.length) return none', '']],
      'reservations/sell/reclaim-places.sql.ts': [
        [
          'return seats === reservation.seats.length && areas === reservation.areas.length && told === 1',
          'return areas === reservation.areas.length && told === 1',
        ],
      ],
    },
  },
  {
    failure: 'F6',
    bug: 'a late payment takes seats that others hold',
    changes: twin('reservations/memory/sale-statements.ts', [
      'const isFree = (seat: SeatRow) => isClaimable(seat, now)',
      "const isFree = (seat: SeatRow) => seat.status === 'held' || isClaimable(seat, now)",
    ]),
  },
  {
    failure: 'F6',
    bug: 'late money is kept',
    changes: twin('checkout/judge-payment.ts', [
      "return { step: isReclaimable(circumstances) ? 'reclaim-sell' : 'refund' }\n    case 'cancelled':",
      "return { step: isReclaimable(circumstances) ? 'reclaim-sell' : 'nothing' }\n    case 'cancelled':",
    ]),
  },
  {
    failure: 'F5',
    bug: 'an authorisation that comes too late is left to the bank',
    changes: twin('checkout/settle-payment.ts', [
      "    return { payment: await movePayment(tx, payment, change), next: 'void' }",
      "    return { payment: await movePayment(tx, payment, { ...change, nextLookAt: null }), next: 'done' }",
    ]),
  },
  {
    failure: 'F45',
    bug: 'a payment that is given up keeps its seats',
    changes: twin('checkout/late-places.ts', [
      "if (reservation.state === 'pending_payment') await endReservation(tx, options)",
      "if (reservation.state === 'cancelled') await endReservation(tx, options)",
    ]),
  },
  {
    failure: 'F15',
    bug: 'refunds that are pending do not count against the rest',
    changes: twin('checkout/refund.ts', [
      "(refund.status === 'failed' ? 0 : refund.amount)",
      "(refund.status !== 'succeeded' ? 0 : refund.amount)",
    ]),
  },
  {
    failure: 'F15',
    bug: 'each try of a refund has a key of its own, and nobody looks what there is',
    changes: twin(
      'checkout/carry-out-refunds.ts',
      ['const told = known ?? (await', 'const told = (await'],
      ['const round = Math.floor(attempts / callsARound)', 'const round = attempts'],
    ),
  },
  {
    failure: 'F18',
    bug: 'a refund voids the tickets and leaves the seats sold',
    changes: twin('checkout/refund.ts', ['    await returnPlaces(tx, {', '    if (now < 0) await returnPlaces(tx, {']),
  },
  {
    failure: 'F16',
    bug: 'each try to make an intent has a key of its own',
    changes: twin('checkout/create-intent.ts', ['    round,\n', '    round: deps.clock.now(),\n']),
  },
  {
    failure: 'F17',
    bug: 'a buyer is told that it is cancelled before the bank has said so',
    changes: twin('checkout/cancel-checkout.ts', [
      "return after?.status === 'cancelled' ? 'cancelled' : isCertain(after) ? 'payment-in-progress' : 'cancelling'",
      "return isCertain(after) || after !== null ? 'cancelled' : 'cancelling'",
    ]),
  },
  {
    failure: 'F16',
    bug: 'what is lost on the way to the provider is taken for never made',
    changes: twin('checkout/look-at-payments.ts', [
      '(known.isComplete && now > createSentAt + createSureMs)',
      'now > createSentAt',
    ]),
  },
  {
    failure: 'F41',
    bug: 'money that does not fit frees no seats',
    changes: twin('checkout/settle-payment.ts', [
      "    await freePlaces(tx, { reservation, now, state, origin })\n    happened('quarantined', reason)",
      "    happened('quarantined', reason)",
    ]),
  },
  {
    failure: 'F27',
    bug: 'a sale writes no tickets',
    changes: twin('checkout/sell-order.ts', [
      '  await issueTickets(tx, deps, { payment: captured, reservation, now })\n',
      '  if (now < 0) await issueTickets(tx, deps, { payment: captured, reservation, now })\n',
    ]),
  },
  {
    failure: 'F3',
    bug: 'a sale sells seats that are not its own any more',
    changes: {
      'reservations/memory/sale-statements.ts': [
        ['seat.reservationId === reservationId && seat.status === from && (seat.heldUntil', '(seat.heldUntil'],
      ],
      'checkout/judge-payment.ts': [['const hasPlaces = reservation.reservedAt !== null', 'const hasPlaces = true']],
    },
  },
  {
    failure: 'F31',
    bug: 'who reads the log remembers the last transaction, and not those that were open',
    changes: twin('platform/messages/memory/source-statements.ts', [
      'open: open.map(BigInt) }\n        const found',
      'open: [] as bigint[] }\n        const found',
    ]),
  },
  {
    failure: 'F29',
    bug: 'a message has its effect each time it is delivered',
    changes: twin('platform/messages/consumer.ts', [
      'const fresh = await enterInbox(tx, consumer.name, ready)',
      'await enterInbox(tx, consumer.name, ready)\n  const fresh = ready',
    ]),
  },
  {
    failure: 'F30',
    bug: 'a consumer moves on before it has handled what it read',
    changes: twin('platform/messages/consumer.ts', [
      'const settled = await db.transaction(async tx => {\n        await moveCursor(tx, place, cursor, processId)\n        return settle',
      'await db.transaction(tx => moveCursor(tx, place, cursor, processId))\n      const settled = await db.transaction(async tx => {\n        return settle',
    ]),
  },
  {
    failure: 'F29',
    bug: 'messages pass those of their subject that had to wait',
    changes: twin('platform/messages/consumer.ts', [
      'const { ready, behind } = await splitBehindParked(tx, consumer.name, messages)',
      'const { ready, behind } = { ready: [...messages], behind: [] as Message[] }',
    ]),
  },
  {
    failure: 'F33',
    bug: 'a mail that is refused once is never sent',
    changes: twin('notifications/send/send-mails.ts', [
      "return { state: 'postponed', reason, delayMs:",
      "return { state: 'failed', reason } as never\n    return { state: 'postponed', reason, delayMs:",
    ]),
  },
  {
    failure: 'F19',
    bug: 'older news of a seat is taken for newer',
    changes: twin('availability/event-seats.ts', ['if (generation < this.#known[seatNo]!) return false', '']),
  },
  {
    failure: 'F19',
    bug: 'what others have freed is not told in memory',
    changes: twin('availability/follow/feed.ts', ["ReservationExpired: 'available',", "ReservationExpired: 'held',"]),
  },
  {
    failure: 'F42',
    bug: 'a claim is not let go when its hold is refused',
    changes: twin('reservations/hold/hold-seats.ts', [
      'board.release(claim, taken)',
      'if (taken.length === 0) board.release(claim, taken)',
    ]),
  },
  {
    failure: 'F22',
    bug: 'nobody ends the holds that have run out',
    changes: twin('reservations/memory/changes.ts', [
      'if (due.length === 0) return 0',
      'if (due.length >= 0) return 0',
    ]),
  },
  {
    failure: 'F25',
    bug: 'a key is answered whatever is asked with it',
    changes: {
      'reservations/hold/judge-request.ts': [
        ['return sameKey.requestHash === request.requestHash', 'return sameKey.requestHash !== null'],
      ],
      'reservations/hold/hold-seats.ts': [
        ["if (other.requestHash !== key.requestHash) return { ok: false, code: 'idempotency-key-reused' }", ''],
      ],
    },
  },
  {
    failure: 'F42',
    bug: 'what a dead process was at stays its own',
    changes: twin('payments/memory/statements.ts', [
      'set: row => ({ ...row, next_attempt_at: now + leaseMs, attempts: row.attempts + 1 }),\n    })\n  },\n\n  end_event_1',
      'set: row => ({ ...row, next_attempt_at: now + 1e12, attempts: row.attempts + 1 }),\n    })\n  },\n\n  end_event_1',
    ]),
  },
]
