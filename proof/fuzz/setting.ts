import { planOf, priceLevels } from '../../test/harness/hall.ts'
import type { Ask, Person } from './cast.ts'
import type { World } from './world.ts'

const shops = 6
const workshops = 4
const hall = { rows: 8, seatsPerRow: 20, areas: { floor: 3000, terrace: 500 } }

/**
 * Shops, whose sale goes on while everybody buys; workshops, which organisers change, open and close; and a draft whose name
 * must never come out.
 */
export async function setTheScene(ask: Ask, world: World, organizer: Person): Promise<void> {
  const { token } = organizer
  const where = { name: 'Fuzz Hall', city: 'Bern', country: 'CH', timezone: 'Europe/Zurich' }
  const { venue_id } = await ask({ path: '/v1/venues', token, body: where })
  const { seatmap_id } = await ask({ path: `/v1/venues/${venue_id}/seatmaps`, token, body: planOf(hall) })
  world.add('venue', { id: venue_id, owner: null })
  world.add('map', { id: seatmap_id, owner: null })
  const create = async (more: object): Promise<string> => {
    const body = {
      venue_id,
      seatmap_id,
      name: 'Evening',
      starts_at: '2035-06-01T19:00:00Z',
      currency: 'CHF',
      price_levels: priceLevels,
    }
    return (await ask({ path: '/v1/events', token, body: { ...body, ...more } })).event_id
  }
  const open = (id: string) => ask({ path: `/v1/events/${id}/onsale`, token, body: { action: 'open' } })
  for (let i = 0; i < shops; i++) {
    // In the last one everything is free, so that there are tickets without a bank.
    const levels = priceLevels.map(level => ({ ...level, amount: i === shops - 1 ? 0 : level.amount }))
    const hold_policy = {
      hold_seconds: 45,
      max_extensions: 2,
      extension_seconds: 20,
      single_seat_rule: i < 2 ? 'enforce' : 'allow',
    }
    const id = await create({ ticket_limit: 100_000, hold_policy, price_levels: levels, returns: 'available' })
    await open(id)
    world.add('shop', { id, owner: null })
  }
  for (let i = 0; i < workshops; i++) {
    const id = await create({ slug: `workshop-${i}` })
    if (i % 2 === 0) await open(id)
    world.add('workshop', { id, owner: null })
  }
  const id = await create({ name: `Surprise of ${organizer.mark}`, slug: `draft-${organizer.mark}` })
  world.add('draft', { id, owner: organizer })
  world.secrets.set(organizer.mark, organizer)
  world.shopSeats = Array.from({ length: hall.rows * hall.seatsPerRow }, (_, i) =>
    ['A', Math.floor(i / hall.seatsPerRow) + 1, (i % hall.seatsPerRow) + 1].join('-'),
  )
}
