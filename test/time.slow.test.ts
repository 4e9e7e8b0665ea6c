import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type EventId, toUuid } from '#kernel/ids.ts'
import { ask, refusalOf, tally, wordOf } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { type Guest, type HoldAnswer, hold, installation } from './harness/installation.ts'
import { insist } from './harness/stampede.ts'
import { takeGuardAway } from './harness/take-guard-away.ts'

// Holds of some seconds, in real time. What counts is the database's clock: `created_at` and `expires_at` are its words.

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
after(() => agent.destroy())

// Nobody sweeps here until a test wants it.
const box = await installation({ processes: 2, env: { HOLDFAST_ROLES: 'api' } })
const { db } = box.database
const [one, two] = box.servers.map(({ url }) => url) as [string, string]

type Handover = { first: HoldAnswer['body']; next: HoldAnswer['body']; guest: Guest; refusals: number }

/** For each row: somebody holds its seats at one process, and from then on somebody else wants them at the other. */
async function handOver(eventId: string, rows: number): Promise<Handover[]> {
  return Promise.all(
    numbers(rows).map(async row => {
      const [here, there] = row % 2 === 0 ? [one, two] : [two, one]
      const wish = { event_id: eventId, seat_ids: [seatId(row, 1), seatId(row, 2)] }
      const guest = box.newGuest()
      const first = await hold(here, guest, wish, { agent })
      assert.equal(first.status, 201, JSON.stringify(first.body))
      const second = box.newGuest()
      for (let refusals = 0; ; refusals++) {
        const next = await hold(there, second, wish, { agent })
        if (next.status === 201) return { first: first.body, next: next.body, guest, refusals }
        assert.equal(wordOf(next), '409 seats-unavailable')
        await wait(10)
      }
    }),
  )
}

const lateMs = ({ first, next }: Handover) => Date.parse(next.created_at) - Date.parse(first.expires_at)

test('a hold is never given away before its end by the clock of the database, and can be claimed right after, though nobody swept', async () => {
  const { eventId } = await box.createEvent(one, {
    hall: { rows: 40, seatsPerRow: 2 },
    holdPolicy: { hold_seconds: 3 },
  })
  const handovers = await handOver(eventId, 40)
  const late = handovers.map(lateMs).sort((a, b) => a - b)
  console.log(`claimed after the end by: first ${late[0]} ms, median ${late[20]} ms, last ${late.at(-1)} ms`)
  assert.ok(late[0]! >= 0, `given away ${-late[0]!} ms before its end`)
  assert.ok(late.at(-1)! < 1000, `the last was claimed ${late.at(-1)} ms after its end`)
  assert.ok(
    handovers.every(({ refusals }) => refusals > 0),
    'all were asked for before their end',
  )

  const { rows } = await db.query(`select from holdfast.outbox where type = 'ReservationExpired'`)
  assert.deepEqual(rows, [], 'nobody swept')
  for (const { first, guest } of handovers) {
    const path = `/v1/reservations/${first.reservation_id}`
    assert.equal((await ask(box.anyUrl(), { path, token: guest.token })).body.state, 'expired')
    const extended = await ask(box.anyUrl(), { method: 'POST', path: `${path}/extend`, token: guest.token })
    assert.equal(refusalOf(extended), 'reservation-expired')
  }
  await assertBooksBalance(db)
})

test('an extended hold is kept until its new end', async () => {
  const { eventId } = await box.createEvent(one, {
    hall: { rows: 1, seatsPerRow: 2 },
    holdPolicy: { hold_seconds: 2, max_extensions: 1, extension_seconds: 2 },
  })
  const wish = { event_id: eventId, seat_ids: [seatId(1, 1), seatId(1, 2)] }
  const guest = box.newGuest()
  const { body } = await hold(one, guest, wish)
  // Just before the end, so that the other process has little time to hear of it.
  await wait(Date.parse(body.expires_at) - Date.parse(body.created_at) - 150)
  const path = `/v1/reservations/${body.reservation_id}/extend`
  const extended = await ask(one, { method: 'POST', path, token: guest.token })
  assert.equal(extended.status, 200, JSON.stringify(extended.body))
  let next: HoldAnswer
  do next = await hold(two, box.newGuest(), wish)
  while (next.status !== 201 && (await wait(10, true)))
  assert.ok(Date.parse(next.body.created_at) >= Date.parse(extended.body.expires_at))
})

test('fifteen thousand holds that end in one second are swept within five', async () => {
  const total = 15_000
  const hall = { rows: 50, seatsPerRow: 100 }
  const eventOf = async (hold_seconds: number) => {
    const holdPolicy = { hold_seconds, single_seat_rule: 'allow' }
    return (await box.createEvent(one, { hall, holdPolicy, ticketLimit: 1 })).eventId
  }
  const holdSeat = async (event_id: string, n: number) => {
    const places = { event_id, seat_ids: [seatId(1 + Math.floor(n / 100), 1 + (n % 100))] }
    const { word, answer } = await insist({ url: box.anyUrl(), guest: box.newGuest(), places }, agent)
    assert.equal(word, '201', JSON.stringify(answer.body))
    return answer.body
  }

  // How many a second this machine makes today: so many seconds making all of them will take.
  const warmUp = await eventOf(86_400)
  const warmUpAt = performance.now()
  await inParallel(2000, n => holdSeat(warmUp, n))
  const seconds = 3 + Math.ceil((2 * total * (performance.now() - warmUpAt)) / 1000 / 2000)
  // One event for each of them, with a second less to hold: all holds end in the same one.
  const events: string[] = []
  for (const n of numbers(seconds)) events.push(await eventOf(6 + seconds - n))

  const databaseNow = async () => (await db.query<{ now: number }>('select holdfast.clock() as now')).rows[0]!.now
  const offset = (await databaseNow()) - Date.now()
  const now = () => Date.now() + offset
  const firstSecond = Math.ceil(now() / 1000)
  const target = firstSecond + seconds + 5
  const used = events.map(() => 0)
  const made = await inParallel(total, async () => {
    let second: number
    do second = Math.floor(now() / 1000) - firstSecond
    while ((second < 0 || (used[second] ?? 0) >= 5000) && (await wait(10, true)))
    assert.ok(second < seconds, `not all were made in ${seconds} s`)
    return holdSeat(events[second]!, used[second]!++)
  })
  const ends = made.map(({ expires_at }) => Date.parse(expires_at))
  const together = ends.filter(end => Math.floor(end / 1000) === target).length
  console.log(`${total} made in ${(now() / 1000 - firstSecond).toFixed(1)} s, ${together} of them end in one second`)
  assert.ok(together > 0.9 * total, JSON.stringify(tally(ends.map(end => String(Math.floor(end / 1000) - target)))))

  const latest = Math.max(...ends)
  await box.start({ HOLDFAST_ROLES: 'worker' })
  await wait(latest - now())
  const stand = async () => {
    const { rows } = await db.query<{ pending: number; expired: number; slowest: number; taken: number; told: number }>(
      `with ours as (select e.event_no from holdfast.events e where e.event_id = any ($1::uuid[]))
       select count(*) filter (where r.state = 'pending_payment')::int as pending,
         count(*) filter (where r.state = 'expired')::int as expired,
         round(max(extract(epoch from r.ended_at - r.expires_at) * 1000))::int as slowest,
         (select count(*)::int from ours join holdfast.seats s using (event_no) where s.status <> 'available') as taken,
         (select count(*)::int from ours join holdfast.outbox o using (event_no) where o.type = 'ReservationExpired') as told
       from ours join holdfast.reservations r using (event_no)`,
      [events.map(eventId => toUuid(eventId as EventId))],
    )
    return rows[0]!
  }
  while ((await stand()).pending > 0) {
    assert.ok(now() < latest + 5000, `${(await stand()).pending} are left after 5 s`)
    await wait(50)
  }
  const { slowest, ...rest } = await stand()
  console.log(`the last was swept ${slowest} ms after its end`)
  assert.deepEqual(rest, { pending: 0, expired: total, taken: 0, told: total })
  await assertBooksBalance(db)
})

test('with a clock that runs a second fast in the condition, holds are given away too early, and this is noticed', async () => {
  await takeGuardAway(db, {
    from: 'hold_batch',
    guard: 's.held_until <= v_now',
    instead: `s.held_until <= v_now + interval '1 second'`,
  })
  const { eventId } = await box.createEvent(one, {
    hall: { rows: 10, seatsPerRow: 2 },
    holdPolicy: { hold_seconds: 3 },
  })
  const late = (await handOver(eventId, 10)).map(lateMs)
  assert.ok(Math.min(...late) < 0, `${late}`)
})

/** Does the work for 0 to `count` - 1, as many at once as there are connections. */
async function inParallel<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async () => {
    while (next < count) results.push(await work(next++))
  }
  await Promise.all(numbers(agent.maxSockets).map(worker))
  return results
}
