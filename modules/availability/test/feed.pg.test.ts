import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { systemClock } from '#kernel/clock.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { sale, someUser, until, write } from './processes.ts'

const here = await sale()
const { db } = here
const eventNo = (await here.first.catalog.definitions.byId(here.eventId))!.eventNo

/** A process that has the event in memory and follows. */
async function follower(line?: Queryable) {
  const process = here.process(line)
  process.start()
  const seats = await process.availability.load(eventNo)
  await until(process.availability.fresh)
  return { ...process, seats }
}

test('what one process commits, the other shows within a second, typically a tenth', async t => {
  const { seats } = await follower()
  const took: number[] = []
  for (let round = 0; round < 10; round++) {
    const before = seats.generation(0)
    await write(db, {
      eventNo,
      seatNos: [0],
      status: round % 2 ? 'available' : 'sold',
      type: round % 2 ? 'SeatsReleased' : 'SeatsSold',
    })
    const committedAt = systemClock.monotonic()
    await until(() => seats.generation(0) > before)
    took.push(systemClock.monotonic() - committedAt)
  }
  took.sort((a, b) => a - b)
  t.diagnostic(`median ${took[5]!.toFixed()} ms, longest ${took[9]!.toFixed()} ms`)
  assert(took[5]! < 250, `median ${took[5]} ms`)
  assert(took[9]! < 1000, `longest ${took[9]} ms`)
  assert.equal(seats.status(0), 'available')
})

test('a transaction that began earlier and commits later is not missed', async t => {
  const { seats } = await follower()
  const [early, late] = [await connection(t), await connection(t)]
  await early.query('begin')
  await write(early, { eventNo, seatNos: [1] })
  await write(late, { eventNo, seatNos: [2] })
  await until(() => seats.status(2) === 'held')
  assert.equal(seats.status(1), 'available')
  const { rows } = await db.query<{ highest: number }>('select max(position) as highest from holdfast.outbox')
  await early.query('commit')
  await until(() => seats.status(1) === 'held')

  // The negative control: whoever remembers the highest position has passed it by.
  const above = await db.query('select from holdfast.outbox where position > $1', [rows[0]!.highest])
  assert.equal(above.rowCount, 0)
})

test('a process is not told of its own holds, but of everything else it writes', async () => {
  const { seats, origin, availability } = await follower()
  const userId = someUser()
  const [generation] = await write(db, { eventNo, seatNos: [3], origin, userId })
  await write(db, { eventNo, seatNos: [4], origin, type: 'ReservationExpired', status: 'available' })
  await until(() => seats.generation(4) > 0)
  assert.equal(seats.status(3), 'available')
  assert.equal(seats.users.has(userId), false)
  availability.applyOwn(eventNo, userId, [{ seatNo: 3, generation: generation!, status: 'held', heldUntil: 1e15 }])
  assert.equal(seats.status(3), 'held')
  assert.equal(seats.users.has(userId), true)
})

test('who holds something elsewhere is known', async () => {
  const { seats } = await follower()
  const userId = someUser()
  assert.equal(seats.users.has(userId), false)
  await write(db, { eventNo, seatNos: [5], userId })
  await until(() => seats.users.has(userId))
})

test('what is left in an area is shown, although no message tells it', async () => {
  const { seats } = await follower()
  await db.query('update holdfast.areas set available = 42, generation = generation + 1 where event_no = $1', [eventNo])
  await until(() => seats.areaAvailable[0] === 42)
})

test('a message that this version does not know leads to the tables', async () => {
  const { seats } = await follower()
  await write(db, { eventNo, seatNos: [6], type: 'SeatsPromised', status: 'blocked' })
  await until(() => seats.status(6) === 'blocked')
})

test('a changed event is read again before anybody asks', async () => {
  const { catalog } = await follower()
  await db.query('update holdfast.events set version = version + 1, name = $2 where event_no = $1', [
    eventNo,
    'Matinee',
  ])
  await db.query(
    `insert into holdfast.outbox (occurred_at, event_no, type) values (holdfast.clock(), $1, 'EventChanged')`,
    [eventNo],
  )
  await until(() => catalog.definitions.cached(here.eventId)?.name === 'Matinee')
})

test('while the database is away nothing is fresh; afterwards all is read again, our own holds too', async () => {
  const line = cuttable(db)
  const { seats, availability, origin } = await follower(line)
  line.isCut = true
  await until(() => !availability.fresh())
  // What became of this commit, its process never heard.
  await write(db, { eventNo, seatNos: [7], origin })
  line.isCut = false
  await until(availability.fresh)
  assert.equal(seats.status(7), 'held')
})

test('a commit of ours with an unknown outcome is found by reading again', async () => {
  const { seats, availability, origin } = await follower()
  await write(db, { eventNo, seatNos: [8], origin })
  availability.reload(eventNo)
  await until(() => seats.status(8) === 'held')
})

test('reading again that fails is tried again', async () => {
  const line = cuttable(db)
  const { seats, availability, origin } = await follower(line)
  await write(db, { eventNo, seatNos: [9], origin })
  line.cutOnly = 'from holdfast.seats'
  availability.reload(eventNo)
  await until(() => line.cuts > 0)
  line.cutOnly = null
  await until(() => seats.status(9) === 'held')
})

test('a restored database is believed, although its generations are lower', async () => {
  const { seats, availability } = await follower()
  await write(db, { eventNo, seatNos: [10], type: 'SeatsSold', status: 'sold' })
  await until(() => seats.status(10) === 'sold')
  await db.query(
    `update holdfast.seats set status = 'available', generation = 0, reservation_id = null where event_no = $1 and seat_no = 10`,
    [eventNo],
  )
  await db.query('update holdfast.sales_fence set epoch = epoch + 1')
  await until(() => seats.status(10) === 'available')
  await until(availability.fresh)
})

test('database time is known to some milliseconds and follows when it is set', async () => {
  const { availability } = await follower()
  const error = async () => {
    const { rows } = await db.query<{ now: number }>('select holdfast.clock() as now')
    return Math.abs(availability.dbNow() - rows[0]!.now)
  }
  assert((await error()) < 100)
  await here.advance(3_600_000)
  await until(async () => (await error()) < 100)
})

test('a hold that runs out reads available within two seconds', async () => {
  const { seats, app } = await follower()
  await write(db, { eventNo, seatNos: [11] })
  await until(() => seats.status(11) === 'held')
  const statusOf11 = async () => {
    const answer = await app.inject(`/v1/events/${here.eventId}/seats?section=A`)
    return answer.json().seats[11].status
  }
  await until(async () => (await statusOf11()) === 'held')
  await here.advance(600_000)
  const ranOutAt = systemClock.monotonic()
  await until(async () => (await statusOf11()) === 'available')
  assert(systemClock.monotonic() - ranOutAt < 2000)
})

async function connection(t: { after: (fn: () => Promise<void>) => void }): Promise<Queryable> {
  const client = new pg.Client({ connectionString: here.url })
  await client.connect()
  t.after(() => client.end())
  return client as unknown as Queryable
}

function cuttable(whole: Queryable) {
  const line = {
    isCut: false,
    /** Only statements that contain this are cut. */
    cutOnly: null as string | null,
    cuts: 0,
    query: (async (text, values) => {
      const statement = typeof text === 'string' ? text : text.text
      if (line.isCut || (line.cutOnly !== null && statement.includes(line.cutOnly))) {
        line.cuts++
        throw new Error('the line is cut')
      }
      return whole.query(text, values)
    }) as Queryable['query'],
  }
  return line
}
