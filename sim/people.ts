import type { HoldBody } from '#contracts/reservations.ts'
import { newId, type ReservationId, type UserId } from '#kernel/ids.ts'
import type { Chance } from './chance.ts'
import type { Office } from './office.ts'
import type { Town } from './town.ts'

/** What somebody was told by the box office, and may rely on. */
export type Order = {
  userId: UserId
  reservationId: ReservationId
  /** What their page knows of the payment. */
  intent: { ref: string; secret: string } | null
  /** Told that it is theirs until then. */
  until: number
  /** Told that the reservation is theirs no more. */
  cancelled: boolean
}

const cards = [
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_chargeDeclined',
  'pm_card_authenticationRequired',
  'pm_sandbox_processing',
  'pm_sandbox_processingFails',
  'pm_sandbox_captureRefused',
] as const

/** One buyer, from their first look to whatever comes of it; every answer may be lost, and they go on as people do. */
export async function beBuyer(town: Town, chance: Chance): Promise<void> {
  const { timeline } = town
  const userId = newId('usr', { clock: timeline, random: chance })
  await timeline.sleep(chance.between(0, town.plan.arrivalsMs))
  for (let evening = 1 + chance.int(2); evening > 0; evening--) {
    const order = await hold(town, chance, userId)
    if (order === null) continue
    await haveAnOrder(town, chance, order)
    await timeline.sleep(chance.between(0, 60_000))
  }
}

/** Comes late, takes what everybody wants if it is free, and leaves. */
export async function beLatecomer(town: Town, chance: Chance): Promise<void> {
  const { timeline } = town
  await timeline.sleep(chance.between(60_000, 500_000))
  await hold(town, chance, newId('usr', { clock: timeline, random: chance }))
}

async function haveAnOrder(town: Town, chance: Chance, order: Order): Promise<void> {
  const { timeline } = town
  const think = (most: number) => timeline.sleep(chance.between(0, most))
  await think(20_000)
  if (chance.happens(0.15)) await extend(town, order)
  if (chance.happens(0.15)) {
    const { userId, reservationId } = order
    const other = await hold(town, chance, userId, reservationId)
    if (other !== null) {
      order.cancelled = true
      return haveAnOrder(town, chance, other)
    }
  }
  if (chance.happens(0.1)) return void town.reached('left the cart')
  for (let tries = 1 + chance.int(3); tries > 0 && order.intent === null; tries--) {
    await checkOut(town, chance, order)
    await think(15_000)
  }
  if (chance.happens(0.1)) await cancel(town, order)
  if (order.intent === null) return
  if (chance.happens(0.1)) return void town.reached('left the payment')
  // Most pay at once, some at the last moment, some when it is too late.
  await think(chance.any([5000, 5000, 60_000, 150_000, 1_800_000]))
  for (let tries = 1 + chance.int(2); tries > 0; tries--) {
    const { ref, secret } = order.intent
    await timeline.turn('a buyer types a card')
    const said = town.bank.confirm(ref, secret, chance.any(cards))
    town.reached(`card: ${said}`)
    if (said === 'requires_action') {
      await think(30_000)
      town.bank.authenticate(ref, chance.happens(0.8))
    }
    if (said === 'requires_capture' || said === 'processing') break
    await think(20_000)
  }
  if (chance.happens(0.1)) await cancel(town, order)
}

/** Asks with one key until there is an answer, as a page does. `replaces`: what the buyer holds and would give for it. */
async function hold(
  town: Town,
  chance: Chance,
  userId: UserId,
  replaces: ReservationId | null = null,
): Promise<Order | null> {
  const { timeline } = town
  const idempotencyKey = chance.bytes(16).toString('hex')
  const body: HoldBody = { event_id: town.definition.eventId, ...wish(town, chance), ...(replaces && { replaces }) }
  for (let tries = 0; tries < 5; tries++) {
    const office = town.anyOffice()
    let isGone = false
    const command = { userId, idempotencyKey, body, isGone: () => isGone }
    const { batches } = office
    const answer = await town.ask(office, () => office.reservations.holdSeats(command))
    if (answer?.ok === false && batches === office.batches) town.reached('refused early')
    if (answer === null) {
      isGone = true
      await timeline.sleep(chance.between(200, 3000))
      continue
    }
    const outcome = !answer.ok ? answer.code : answer.replayed ? 'replayed' : 'held'
    town.reached(`${replaces === null ? 'hold' : 'replace'}: ${outcome}`)
    if (body.best_available) town.reached(`best available: ${outcome}`)
    if (!answer.ok) return null
    const { reservation } = answer
    const { reservationId, expiresAt } = reservation
    const order = { userId, reservationId, intent: null, until: expiresAt, cancelled: false }
    if (chance.happens(0.1)) await reuseKey(town, chance, { userId, idempotencyKey, body })
    town.acknowledged(order, { idempotencyKey, told: { ...reservation, state: null, revision: null } })
    return order
  }
  return null
}

/** A page with a mistake: it asks for something else with a key that has been answered. */
async function reuseKey(
  town: Town,
  chance: Chance,
  { userId, idempotencyKey, body }: { userId: UserId; idempotencyKey: string; body: HoldBody },
): Promise<void> {
  const other = { event_id: body.event_id, ...wish(town, chance) }
  if (JSON.stringify(other) === JSON.stringify(body)) return
  const office = town.anyOffice()
  const command = { userId, idempotencyKey, body: other, isGone: () => false }
  const answer = await town.ask(office, () => office.reservations.holdSeats(command))
  if (answer === null) return
  town.reached(`a key is used again: ${answer.ok ? 'answered' : answer.code}`)
  if (answer.ok) town.violations.push(`a key was answered although something else was asked with it`)
}

/** Seats by name, places on the floor, or whatever is best. */
function wish({ definition, plan }: Town, chance: Chance): Omit<HoldBody, 'event_id'> {
  if (chance.happens(0.25)) return { best_available: { quantity: 1 + chance.int(3), together: chance.happens(0.5) } }
  const wantsFloor = chance.happens(0.3)
  const seat_ids = someSeats(chance, plan.popular).map(seatNo => definition.seatMap.seatIdOf(seatNo))
  const areas = [{ area_id: 'FLOOR', quantity: 1 + chance.int(3) }]
  if (!wantsFloor) return { seat_ids }
  return chance.happens(0.7) ? { areas } : { seat_ids, areas }
}

async function checkOut(town: Town, chance: Chance, order: Order): Promise<void> {
  const office = town.anyOffice()
  const { eventNo } = town
  const buyer = { email: 'ada@example.org', name: 'Ada', traceparent: null }
  const answer = await town.ask(office, () => office.checkout.openCheckout({ eventNo, ...order, ...buyer }))
  if (answer === null) return
  town.reached(`checkout: ${answer.kind}${answer.kind === 'refused' ? ` ${answer.code}` : ''}`)
  if (answer.kind === 'ready' && answer.intent.clientSecret !== null)
    order.intent = { ref: answer.intent.ref, secret: answer.intent.clientSecret }
  if (answer.kind === 'queued') await town.timeline.sleep(chance.between(1000, 30_000))
}

async function cancel(town: Town, order: Order): Promise<void> {
  const office = town.anyOffice()
  const { eventNo } = town
  const asked = { eventNo, reservationId: order.reservationId, userId: order.userId }
  const answer = await town.ask(office, async () => {
    const plain = await office.store.cancel(asked)
    if (plain.ok) return 'cancelled'
    return plain.code === 'payment-in-progress' ? office.checkout.sale.cancel(asked) : plain.code
  })
  if (answer === null) return
  town.reached(`cancel: ${answer}`)
  if (answer === 'cancelled') order.cancelled = true
}

async function extend(town: Town, order: Order): Promise<void> {
  const office = town.anyOffice()
  const { eventNo } = town
  const { reservationId, userId } = order
  const answer = await town.ask(office, () =>
    office.store.extend({ eventNo, reservationId, userId, extensionSeconds: town.plan.extensionSeconds }),
  )
  if (answer === null) return
  town.reached(`extend: ${answer.ok ? 'ok' : answer.code}`)
  if (answer.ok) order.until = answer.reservation.expiresAt
}

/** Staff: refunds, seats set aside and given back, in the middle of everything. */
export async function beStaff(town: Town, chance: Chance): Promise<void> {
  const { timeline, eventNo } = town
  for (let deed = 0; deed < 6; deed++) {
    await timeline.sleep(chance.between(5000, 90_000))
    if (chance.happens(0.15)) {
      await interruptSale(town, chance)
      continue
    }
    const office = town.anyOffice()
    if (chance.happens(0.3)) {
      const seatNos = someSeats(chance, town.plan.seats)
      const aside = chance.happens(0.6) ? { blocked: 'cameras' } : { available: true as const }
      const answer = await town.ask(office, () => office.store.setAside({ eventNo, seatNos, change: aside }))
      if (answer !== null) town.reached(`set aside: ${answer.changed.length > 0 ? 'some' : 'none'}`)
      continue
    }
    if (town.orders.length === 0) continue
    const order = chance.any(town.orders)
    await refund(town, chance, office, order)
  }
}

/** The sale is paused, or closed behind the fence, for a while. */
async function interruptSale(town: Town, chance: Chance): Promise<void> {
  const interruption = chance.any(['paused', 'fenced'] as const)
  town.reached(`the sale is ${interruption}`)
  await town.change(interruption)
  await town.timeline.sleep(chance.between(1000, 40_000))
  await town.change('open')
}

async function refund(town: Town, chance: Chance, office: Office, { reservationId, userId }: Order): Promise<void> {
  const { eventNo } = town
  const tickets = town.liveTickets(reservationId)
  const some = tickets.length > 1 && chance.happens(0.5) ? { ticketIds: [chance.any(tickets)] } : {}
  const answer = await town.ask(office, () =>
    office.db.transaction(tx =>
      office.checkout.decideRefund(tx, { eventNo, reservationId, requestedBy: userId, reason: 'ill', ...some }),
    ),
  )
  if (answer !== null) town.reached(`refund: ${answer.ok ? 'decided' : answer.code}`)
}

function someSeats(chance: Chance, seats: number): number[] {
  return [...new Set(Array.from({ length: 1 + chance.int(3) }, () => chance.int(seats)))].sort((a, b) => a - b)
}
