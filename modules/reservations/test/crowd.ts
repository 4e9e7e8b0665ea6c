import { after } from 'node:test'
import pg from 'pg'
import type { Race } from './reservation-store.contract.ts'
import type { PostgresStand } from './stand.ts'

/** Rows that a third connection holds while the others arrive, all of event 1. */
export type Barrier = { seats: number[]; areas: boolean; reservations: boolean }

/**
 * Lets tasks meet on PostgreSQL: a third connection locks some rows, the tasks start, and once they wait, or go on without
 * those rows, it lets go.
 */
export async function crowdsAt(stand: PostgresStand): Promise<(barrier: Barrier) => Race> {
  const gate = new pg.Client(stand.database.url)
  await gate.connect()
  // The database goes first, and takes the connection with it.
  gate.on('error', () => {})
  after(() => gate.end())
  return barrier => async tasks => {
    await gate.query('begin')
    if (barrier.reservations) await gate.query('select from holdfast.reservations where event_no = 1 for update')
    if (barrier.seats.length > 0)
      await gate.query(
        'select from holdfast.seats where event_no = 1 and seat_no = any ($1) order by seat_no for update',
        [barrier.seats],
      )
    if (barrier.areas) await gate.query('select from holdfast.areas where event_no = 1 order by area_no for update')
    let running = tasks.length
    const all = Promise.all(tasks.map(task => task().finally(() => running--)))
    for (let looks = 0; looks < 12 && (await waiting(gate)) < running; looks++);
    await gate.query('rollback')
    await all
    return { lockedEvents: [1] }
  }
}

async function waiting(gate: pg.Client): Promise<number> {
  const { rows } = await gate.query(`select count(*)::int4 as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`)
  return rows[0].n
}
