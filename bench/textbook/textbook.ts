import { spawn, spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const clients = 64
const folder = fileURLToPath(new URL('.', import.meta.url))

export type Textbook = { driver: 'pgbench' | 'node'; holdsPerSecond(seconds: number): Promise<number> }

/**
 * One transaction per hold over 64 connections, on the same server as the benchmark and without any HTTP: what the batch is
 * compared with. pgbench where it is installed, because its driver costs next to nothing; otherwise our own.
 */
export async function prepareTextbook(url: string): Promise<Textbook> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const statement of (await readFile(`${folder}schema.sql`, 'utf8'))
    .split(/;\s*\n/)
    .filter(text => text.trim() !== ''))
    await client.query(statement)
  await client.end()
  const hasPgbench = spawnSync('pgbench', ['--version']).status === 0
  return hasPgbench
    ? { driver: 'pgbench', holdsPerSecond: seconds => withPgbench(url, seconds) }
    : { driver: 'node', holdsPerSecond: seconds => withNode(url, seconds) }
}

async function withPgbench(url: string, seconds: number): Promise<number> {
  const args = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(clients),
    '-j',
    '2',
    '-T',
    String(seconds),
    '-f',
    `${folder}hold.sql`,
    url,
  ]
  const child = spawn('pgbench', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.on('data', chunk => {
    output += chunk
  })
  await new Promise(resolve => child.on('close', resolve))
  const rate = /tps = ([\d.]+)/.exec(output)?.[1]
  if (rate === undefined) throw new Error(`pgbench did not report a rate:\n${output.slice(0, 600)}`)
  return Number(rate)
}

async function withNode(url: string, seconds: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: clients })
  const endsAt = performance.now() + seconds * 1000
  let holds = 0
  const buyer = async () => {
    const connection = await pool.connect()
    while (performance.now() < endsAt) {
      const event = 1 + Math.floor(Math.random() * 40)
      const seat = 2 * Math.floor(Math.random() * 15000)
      const user = Math.floor(Math.random() * 2e9)
      await connection.query('begin')
      await connection.query({
        name: 'a',
        text: `select seat_no, status from textbook.seats where event_no = $1 and seat_no in ($2, $3) order by seat_no for update`,
        values: [event, seat, seat + 1],
      })
      await connection.query({
        name: 'b',
        text: `update textbook.seats set status = 'held', reservation_id = gen_random_uuid(), held_until = now() + interval '10 minutes' where event_no = $1 and seat_no in ($2, $3) and (status = 'available' or held_until < now())`,
        values: [event, seat, seat + 1],
      })
      await connection.query({
        name: 'c',
        text: `insert into textbook.reservations (reservation_id, event_no, user_id, state, expires_at, amount, key) values (gen_random_uuid(), $1, $2, 'pending_payment', now() + interval '10 minutes', 10000, gen_random_uuid())`,
        values: [event, user],
      })
      await connection.query({
        name: 'd',
        text: `insert into textbook.outbox (event_no, type, payload) values ($1, 'ReservationCreated', jsonb_build_object('event', $1::int, 'seat', $2::int, 'user', $3::int8))`,
        values: [event, seat, user],
      })
      await connection.query('commit')
      holds++
    }
    connection.release()
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: clients }, buyer))
  const rate = holds / ((performance.now() - startedAt) / 1000)
  await pool.end()
  return rate
}
