import type { Meeting } from './meeting.ts'
import type { Race } from './reservation-store.contract.ts'

/** Rows of event 1 that a third connection holds while the others arrive. */
export type Barrier = { seats: number[]; areas: boolean; reservations: boolean }

/** Lets tasks meet: they start while rows are locked, and once all wait, or go on without those rows, the lock goes. */
export function crowdAt(meeting: Meeting, barrier: Barrier): Race {
  return async tasks => {
    if (barrier.reservations) await meeting.query('select from holdfast.reservations where event_no = 1 for update')
    await meeting.query(
      'select from holdfast.seats where event_no = 1 and seat_no = any ($1) order by seat_no for update',
      [barrier.seats],
    )
    if (barrier.areas) await meeting.query('select from holdfast.areas where event_no = 1 order by area_no for update')
    let running = tasks.length
    const all = Promise.all(tasks.map(task => task().finally(() => running--)))
    for (let looks = 0; looks < 12 && (await meeting.waiting()) < running; looks++);
    await meeting.rollback()
    await all
    return { lockedEvents: [1] }
  }
}
