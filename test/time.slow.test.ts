import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ask, refusalOf, tally, wordOf } from './harness/ask.ts'
import { assertBooksBalance } from './harness/books.ts'
import { numbers, seatId } from './harness/hall.ts'
import { type Guest, type HoldAnswer, hold, type Installation, installation } from './harness/installation.ts'
import { insist } from './harness/stampede.ts'
import { takeGuardAway } from './harness/take-guard-away.ts'

// Holds of some seconds, in real time. What counts is the database's clock: `created_at` and `expires_at` are its words.

const agent = new Agent({ keepAlive: true, maxSockets: 256 })
after(() => agent.destroy())

type Handover = { first: HoldAnswer['body']; next: HoldAnswer['body']; guest: Guest; refusals: number }

/** For each row: somebody holds its seats at one process, and from then on somebody else wants them at the other. */
async function handOver(box: Installation, eventId: string, rows: number): Promise<Handover[]> {
  return Promise.all(
    numbers(rows).map(async row => {
      const [here, there] = [box.servers[row % 2]!.url, box.servers[(row + 1) % 2]!.url]
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
  const box = await installation({ processes: 2, env: { HOLDFAST_ROLES: 'api' } })
  const { eventId } = await box.createEvent(box.anyUrl(), {
    hall: { rows: 40, seatsPerRow: 2 },
    holdPolicy: { hold_seconds: 3 },
  })
  const handovers = await handOver(box, eventId, 40)
  const late = handovers.map(lateMs).sort((a, b) => a - b)
  console.log(`claimed after the end by: first ${late[0]} ms, median ${late[20]} ms, last ${late.at(-1)} ms`)
  assert.ok(late[0]! >= 0, `given away ${-late[0]!} ms before its end`)
  assert.ok(late.at(-1)! < 1000, `the last was claimed ${late.at(-1)} ms after its end`)
  assert.ok(
    handovers.every(({ refusals }) => refusals > 0),
    'all were asked for before their end',
  )

  const { rows } = await box.database.db.query(`select from holdfast.outbox where type = 'ReservationExpired'`)
  assert.deepEqual(rows, [], 'nobody swept')
  for (const { first, guest } of handovers) {
    const path = `/v1/reservations/${first.reservation_id}`
    assert.equal((await ask(box.anyUrl(), { path, token: guest.token })).body.state, 'expired')
    const extended = await ask(box.anyUrl(), { method: 'POST', path: `${path}/extend`, token: guest.token })
    assert.equal(refusalOf(extended), 'reservation-expired')
  }
  await assertBooksBalance(box.database.db)
})

test('with a clock that runs a second fast in the condition, holds are given away too early, and this is noticed', async () => {
  const box = await installation({ processes: 2, env: { HOLDFAST_ROLES: 'api' } })
  await takeGuardAway(box.database.db, {
    from: 'hold_batch',
    guard: 's.held_until <= v_now',
    instead: `s.held_until <= v_now + interval '1 second'`,
  })
  const { eventId } = await box.createEvent(box.anyUrl(), {
    hall: { rows: 10, seatsPerRow: 2 },
    holdPolicy: { hold_seconds: 3 },
  })
  const late = (await handOver(box, eventId, 10)).map(lateMs)
  assert.ok(Math.min(...late) < 0, `${late}`)
})

test('an extended hold is kept until its new end', async () => {
  const box = await installation({ processes: 2, env: { HOLDFAST_ROLES: 'api' } })
  const [one, two] = box.servers.map(({ url }) => url) as [string, string]
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
  const box = await installation({ processes: 2 })
  const { db } = box.database
  const [one] = box.servers.map(({ url }) => url) as [string]
  // One event for each second that making them takes, with a second less to hold: all end in the same one.
  const seconds = 24
  const hall = { rows: 50, seatsPerRow: 100 }
  const events: string[] = []
  for (const n of numbers(seconds)) {
    const holdPolicy = { hold_seconds: 8 + seconds - n, single_seat_rule: 'allow' }
    events.push((await box.createEvent(one, { hall, holdPolicy, ticketLimit: 1 })).eventId)
  }
  const now = async () => (await db.query<{ now: number }>('select holdfast.clock() as now')).rows[0]!.now
  const firstSecond = Math.ceil((await now()) / 1000) + 1
  const target = firstSecond + seconds + 8 - 1
  const offset = (await now()) - Date.now()
  const total = 15_000
  const used = events.map(() => 0)
  let asked = 0
  const made: HoldAnswer['body'][] = []
  const work = async () => {
    while (asked < total) {
      const second = Math.floor((Date.now() + offset) / 1000) - firstSecond
      assert.ok(second < seconds, `only ${made.length} were made in ${seconds} s`)
      if (second < 0 || used[second]! >= 5000) {
        await wait(20)
        continue
      }
      asked++
      const seat = used[second]!++
      const places = { event_id: events[second], seat_ids: [seatId(1 + Math.floor(seat / 100), 1 + (seat % 100))] }
      const { word, answer } = await insist({ url: box.anyUrl(), guest: box.newGuest(), places }, agent)
      assert.equal(word, '201', JSON.stringify(answer.body))
      made.push(answer.body)
    }
  }
  await Promise.all(numbers(200).map(work))
  const ends = made.map(({ expires_at }) => Date.parse(expires_at))
  const inTarget = ends.filter(end => Math.floor(end / 1000) === target).length
  console.log(
    `${made.length} made in ${((await now()) - 1000 * firstSecond) / 1000} s, ${inTarget} of them end in one second`,
  )
  assert.ok(inTarget > 0.9 * total, JSON.stringify(tally(ends.map(end => String(Math.floor(end / 1000) - target)))))

  const latest = Math.max(...ends)
  await wait(latest - (await now()))
  const left = async () =>
    (
      await db.query<{ n: number }>(
        `select count(*)::int as n from holdfast.reservations where state = 'pending_payment'`,
      )
    ).rows[0]!.n
  while ((await left()) > 0) {
    assert.ok((await now()) < latest + 5000, `${await left()} are left after 5 s`)
    await wait(50)
  }
  const { rows } = await db.query<{ n: number; slowest: number }>(
    `select count(*)::int as n, round(max(extract(epoch from ended_at - expires_at) * 1000))::int as slowest
     from holdfast.reservations where state = 'expired'`,
  )
  console.log(`swept: ${rows[0]!.n}, the last ${rows[0]!.slowest} ms after its end`)
  assert.equal(rows[0]!.n, total)
  await assertBooksBalance(db)
  const { rows: told } = await db.query<{ n: number }>(
    `select count(*)::int as n from holdfast.outbox where type = 'ReservationExpired'`,
  )
  assert.equal(told[0]!.n, total)
  const { rows: free } = await db.query<{ n: number }>(
    `select count(*)::int as n from holdfast.seats where status <> 'available'`,
  )
  assert.equal(free[0]!.n, 0)
})
