import { assert, Bug } from '#kernel/assert.ts'
import { fromUuid, type Id, writeId } from '#kernel/ids.ts'
import { binaryArray, binaryTextArray } from '#platform/postgres/binary-array.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { AreaItem, HoldBatchAnswer, HoldOutcome, HoldRequest, SeatItem } from '../ports.ts'

/**
 * The hold as one statement. `holdfast.hold_batch` (db/migrations/0005-hold-batch.sql) takes many requests as parallel
 * arrays and decides them in one round trip and one commit:
 *
 *   (a) what the users already have here: a repeated key is answered, their own run-out holds are ended
 *   (b) event version, status and the sales fence, in the batch's own snapshot
 *   (c) lock the wanted seats in order, skipping busy ones: `for update skip locked`
 *   (d) insert the reservations that can have everything, `on conflict do nothing`
 *   (e) move exactly those seats, each row once; area counters by expression, first come, first served
 *   (f) one outbox row a reservation
 *
 * A request that misses anything writes nothing. Unless asked to be `careful`, the function first tries the common case without
 * locking: update, insert, and undo all of it if anything is not as hoped.
 */
export async function holdBatch(
  db: Queryable,
  origin: string,
  requests: readonly HoldRequest[],
  { careful = false } = {},
): Promise<HoldBatchAnswer> {
  const { rows } = await db.query<BatchRow>({
    name: 'hold_batch_1',
    text: statement,
    values: parameters(origin, careful, requests),
    commits: true,
  })
  const row = rows[0]!
  const codes = row.outcomes === '' ? null : row.outcomes.split(',')
  const generations = row.generations.split(',')
  const outcomes: HoldOutcome[] = []
  let seat = 0
  for (let i = 0; i < requests.length; i++) {
    const code = codes === null ? 1 : Number(codes[i])
    const won = code === 1 ? requests[i]!.seats.length : 0
    outcomes.push(
      outcomeOf(code, requests[i]!, row, row.details?.[String(i + 1)], generations.slice(seat, seat + won).map(Number)),
    )
    seat += won
  }
  return { judgedAt: row.judged_at, outcomes }
}

type Details = {
  reservation_id?: string
  seats?: number[]
  area?: number
  available?: number
  expires_at?: number
  extensions_left?: number
}
type BatchRow = { judged_at: number; outcomes: string; generations: string; details: Record<string, Details> | null }

const types =
  'int4 uuid uuid uuid uuid int4 uuid bool int4 int4 int8 text int4 int2 int4 int4 int4 int4 int4 int4 int4 int2 int8 int4 int4 int4 int4 int2 int8'.split(
    ' ',
  )

// Lists come back as text to split: the driver's array parser goes character by character.
const statement = `
select (extract(epoch from b.judged_at) * 1000)::int8 as judged_at, coalesce(array_to_string(b.outcomes, ','), '') as outcomes,
  coalesce(array_to_string(b.generations, ','), '') as generations, b.details
from holdfast.hold_batch($1::uuid, $2::bool, ${types.map((type, i) => `$${i + 3}::${type}[]`).join(', ')}) b`

function parameters(origin: string, careful: boolean, requests: readonly HoldRequest[]): unknown[] {
  const n = requests.length
  const seats: (SeatItem & { request: number })[] = []
  const areas: (AreaItem & { request: number })[] = []
  const seatFrom = new Int32Array(n)
  const areaFrom = new Int32Array(n)
  for (let i = 0; i < n; i++) {
    seatFrom[i] = seats.length + 1
    for (const item of requests[i]!.seats) seats.push({ ...item, request: i })
  }
  // Places in an area go to whoever came first; the function serves them in the order of these columns.
  for (const i of arrivalOrder(requests)) {
    areaFrom[i] = areas.length + 1
    for (const item of requests[i]!.areas) areas.push({ ...item, request: i })
  }
  const ints = (length: number, of: (i: number) => number) =>
    binaryArray('int4', length, (buffer, at, i) => buffer.writeInt32BE(of(i), at))
  const smalls = (length: number, of: (i: number) => number) =>
    binaryArray('int2', length, (buffer, at, i) => buffer.writeInt16BE(of(i), at))
  const money = (length: number, of: (i: number) => number) =>
    binaryArray('int8', length, (buffer, at, i) => {
      const amount = of(i)
      buffer.writeUInt32BE(Math.floor(amount / 2 ** 32), at)
      buffer.writeUInt32BE(amount >>> 0, at + 4)
    })
  const ids = (of: (r: HoldRequest) => Id<string> | null) =>
    binaryArray('uuid', n, (buffer, at, i) => {
      const id = of(requests[i]!)
      if (id === null) buffer.fill(0, at, at + 16)
      else writeId(id, buffer, at)
    })
  const hashes = (of: (r: HoldRequest) => string) =>
    binaryArray('uuid', n, (buffer, at, i) => {
      assert(buffer.write(of(requests[i]!), at, 'hex') === 16, 'a hash of a request is 16 bytes in hex')
    })
  return [
    origin,
    careful,
    ints(n, i => requests[i]!.eventNo),
    ids(r => r.userId),
    ids(r => r.reservationId),
    hashes(r => r.keyHash),
    hashes(r => r.requestHash),
    ints(n, i => requests[i]!.eventVersion),
    ids(r => r.replaces),
    binaryArray('bool', n, (buffer, at, i) => buffer.writeUInt8(requests[i]!.probe ? 1 : 0, at)),
    ints(n, i => requests[i]!.quantity),
    ints(n, i => requests[i]!.ticketLimit),
    money(n, i => requests[i]!.amount),
    binaryTextArray(requests.map(r => r.currency)),
    ints(n, i => requests[i]!.holdSeconds),
    smalls(n, i => requests[i]!.extensions),
    ints(n, i => seatFrom[i]!),
    ints(n, i => seatFrom[i]! + requests[i]!.seats.length - 1),
    ints(n, i => areaFrom[i]!),
    ints(n, i => areaFrom[i]! + requests[i]!.areas.length - 1),
    ints(seats.length, i => seats[i]!.request + 1),
    ints(seats.length, i => requests[seats[i]!.request]!.eventNo),
    ints(seats.length, i => seats[i]!.seatNo),
    smalls(seats.length, i => seats[i]!.level),
    money(seats.length, i => seats[i]!.amount),
    ints(areas.length, i => areas[i]!.request + 1),
    ints(areas.length, i => requests[areas[i]!.request]!.eventNo),
    ints(areas.length, i => areas[i]!.areaNo),
    ints(areas.length, i => areas[i]!.quantity),
    smalls(areas.length, i => areas[i]!.level),
    money(areas.length, i => areas[i]!.amount),
  ]
}

function arrivalOrder(requests: readonly HoldRequest[]): number[] {
  return requests.map((_, i) => i).sort((a, b) => requests[a]!.arrival - requests[b]!.arrival)
}

function outcomeOf(
  code: number,
  request: HoldRequest,
  row: BatchRow,
  detail: Details | undefined,
  generations: number[],
): HoldOutcome {
  switch (code) {
    case 1:
      return {
        kind: 'held',
        createdAt: row.judged_at,
        expiresAt: detail?.expires_at ?? row.judged_at + request.holdSeconds * 1000,
        extensionsLeft: detail?.extensions_left ?? request.extensions,
        generations,
      }
    case 2:
      return { kind: 'replayed', reservationId: fromUuid('rsv', detail!.reservation_id!) }
    case 3:
      return { kind: 'key-reused' }
    case 4:
      return { kind: 'event-changed' }
    case 5:
      return { kind: 'not-on-sale' }
    case 6:
      return { kind: 'sales-closed' }
    case 7:
      return { kind: 'ticket-limit-exceeded' }
    case 8:
      return { kind: 'reservation-exists', reservationId: fromUuid('rsv', detail!.reservation_id!) }
    case 9:
      return { kind: 'taken', seatNos: detail!.seats! }
    case 10:
      return { kind: 'busy' }
    case 11:
      return { kind: 'capacity', areaNo: detail!.area!, available: detail!.available! }
    case 12:
      return { kind: 'again' }
    case 13:
      return { kind: 'nothing-to-replace' }
    case 14:
      return { kind: 'replaced-has-ended' }
    case 15:
      return { kind: 'clear' }
    case 16:
      return { kind: 'event-not-found' }
    case 17:
      return { kind: 'replaced-is-being-paid' }
    default:
      throw new Bug(`hold_batch answers with a known outcome, not ${code}`)
  }
}
