import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Availability } from '#availability'
import type { Catalog } from '#catalog'
import type { Actor } from '#contracts/actor.ts'
import { type HoldBody, holdBody, type Reservation, reservation, reservationList } from '#contracts/reservations.ts'
import { eventNoOf, parseId, type ReservationId, type UserId } from '#kernel/ids.ts'
import { type AnswerTo, byFramework, type Turn } from '#platform/http/direct.ts'
import { type Denied, invalid, sendInvalid, sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { HoldSeats } from './hold/hold-seats.ts'
import type { HoldRefusal } from './hold/refusal.ts'
import type { ChangeOutcome, ReservationRecord, ReservationStore } from './ports.ts'
import { viewReservation } from './reservation-view.ts'

/** What payment and tickets add to a reservation; the checkout module knows. */
export type SalePort = {
  describe(record: ReservationRecord): Promise<Pick<Reservation, 'payment' | 'tickets' | 'access_url'>>
  /** Gives up a reservation whose payment is open. */
  cancel(command: {
    eventNo: number
    reservationId: ReservationId
    userId: UserId
  }): Promise<'cancelled' | 'payment-in-progress' | 'cancelling' | 'not-found'>
  /** Whether this text from an `access_url` opens the reservation. */
  opens(reservationId: ReservationId, access: string): boolean
}

export type ReservationRoutesDeps = {
  holdSeats: HoldSeats
  turn: Turn
  store: ReservationStore
  catalog: Pick<Catalog, 'definitions'>
  availability: Availability
  sale: SalePort
}

const tags = ['Reservations']
const holdProblems = [
  'idempotency-key-required',
  'idempotency-key-reused',
  'event-not-found',
  'not-found',
  'not-on-sale',
  'unknown-seats',
  'unknown-areas',
  'ticket-limit-exceeded',
  'reservation-exists',
  'seats-unavailable',
  'capacity-unavailable',
  'no-match',
  'seat-rule',
  'reservation-expired',
  'payment-in-progress',
  'sales-closed',
] as const satisfies readonly (HoldRefusal['code'] | 'idempotency-key-required')[]
const oneReservation = Type.Object({ reservation_id: Type.String() })
const withAccess = Type.Object(
  { access: Type.Optional(Type.String({ maxLength: 100, description: 'From `access_url`, instead of a token.' })) },
  { additionalProperties: false },
)
const personal = 'private, no-store'

export function reservationRoutes({
  holdSeats,
  turn,
  store,
  catalog,
  availability,
  sale,
}: ReservationRoutesDeps): Routes {
  const answerHold: AnswerTo<HoldBody> = async ({ actor, headers, body, isGone }) => {
    const key = headers['idempotency-key']
    if (typeof key !== 'string' || key === '') return { code: 'idempotency-key-required' }
    if (!/^[\x20-\x7e]{1,255}$/.test(key))
      return invalid([{ path: 'idempotency-key', message: 'must be 1 to 255 printable ASCII characters' }])
    const clash = whatClashes(body)
    if (clash !== null) return invalid([clash])
    const answer = await holdSeats({ userId: actor.userId, idempotencyKey: key, body, isGone })
    if (!answer.ok) return deniedBy(answer)
    const { reservation: held, definition, now, replayed } = answer
    const view = viewReservation(held, definition, now)
    // As first given: to the repetition of a key it makes no difference that the hold has ended since.
    view.state = 'pending_payment'
    return {
      status: 201,
      headers: [
        ['content-type', 'application/json; charset=utf-8'],
        ['location', `/v1/reservations/${held.reservationId}`],
        ['cache-control', personal],
        ...(replayed ? [['idempotent-replayed', 'true'] satisfies [string, string]] : []),
      ],
      body: JSON.stringify(view),
    }
  }

  return app => {
    app.post(
      '/v1/reservations',
      {
        config: { access: 'any', traffic: 'hold', direct: answerHold, turn, problems: holdProblems },
        schema: {
          tags,
          operationId: 'holdSeats',
          summary: 'Hold seats, places in an area, or the best available',
          description: 'All or nothing. The same Idempotency-Key and body give the same answer again.',
          headers: Type.Object({
            'idempotency-key': Type.Optional(
              Type.String({
                description: '1 to 255 printable ASCII characters; a new one for each wish.',
                examples: ['two-for-ada-and-me'],
              }),
            ),
          }),
          body: holdBody,
          response: { 201: reservation },
        },
      },
      byFramework(answerHold),
    )

    app.get(
      '/v1/reservations/:reservation_id',
      {
        config: { access: 'public', traffic: 'pay', problems: ['not-found', 'unauthenticated'] },
        schema: {
          tags,
          operationId: 'getReservation',
          summary: 'One of your reservations',
          description: 'With a token, or with the `access` of its `access_url`.',
          params: oneReservation,
          querystring: withAccess,
          response: { 200: reservation },
        },
      },
      async (request, reply) => {
        const { access } = request.query
        if (request.actor === null && access === undefined) return sendProblem(request, reply, 'unauthenticated')
        const found = await readableReservation(request.params.reservation_id, request.actor, access)
        if (found === null) return sendProblem(request, reply, 'not-found')
        const definition = await catalog.definitions.byNo(found.reservation.eventNo)
        const view = viewReservation(found.reservation, definition!, found.now)
        return reply.header('Cache-Control', personal).send({ ...view, ...(await sale.describe(found.reservation)) })
      },
    )

    app.get(
      '/v1/me/reservations',
      {
        config: { access: 'any', traffic: 'browse' },
        schema: {
          tags,
          operationId: 'listMyReservations',
          summary: 'Your reservations, newest first',
          querystring: Type.Object(
            {
              limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
              cursor: Type.Optional(Type.String({ maxLength: 64 })),
            },
            { additionalProperties: false },
          ),
          response: { 200: reservationList },
        },
      },
      async (request, reply) => {
        const { limit = 20, cursor } = request.query
        const before = cursor === undefined ? undefined : parseId('rsv', cursor)
        if (before === null)
          return sendInvalid(request, reply, [{ path: 'cursor', message: 'must be a next_cursor of this list' }])
        const { reservations, now } = await store.listOfUser(actorOf(request).userId, { limit: limit + 1, before })
        const items = []
        for (const record of reservations.slice(0, limit)) {
          const definition = await catalog.definitions.byNo(record.eventNo)
          if (definition !== null) items.push(viewReservation(record, definition, now))
        }
        const next_cursor = reservations.length > limit ? reservations[limit - 1]!.reservationId : null
        return reply.header('Cache-Control', personal).send({ items, next_cursor })
      },
    )

    app.post(
      '/v1/reservations/:reservation_id/extend',
      {
        config: {
          access: 'any',
          traffic: 'pay',
          problems: [
            'not-found',
            'no-extensions-left',
            'reservation-expired',
            'already-cancelled',
            'already-confirmed',
            'payment-in-progress',
          ],
        },
        schema: {
          tags,
          operationId: 'extendReservation',
          summary: 'More time, as the event allows',
          params: oneReservation,
          response: { 200: reservation },
        },
      },
      async (request, reply) => {
        const target = targetOf(request.params.reservation_id)
        const definition = target && (await catalog.definitions.byNo(target.eventNo))
        if (!target || !definition) return sendProblem(request, reply, 'not-found')
        const outcome = await store.extend({
          ...target,
          userId: actorOf(request).userId,
          extensionSeconds: definition.holdPolicy.extension_seconds,
        })
        if (!outcome.ok) return sendProblem(request, reply, outcome.code)
        noteChange(outcome)
        return reply
          .header('Cache-Control', personal)
          .send(viewReservation(outcome.reservation, definition, outcome.now))
      },
    )

    app.delete(
      '/v1/reservations/:reservation_id',
      {
        config: { access: 'any', traffic: 'pay', problems: ['not-found', 'already-confirmed', 'payment-in-progress'] },
        schema: {
          tags,
          operationId: 'cancelReservation',
          summary: 'Give the places back',
          params: oneReservation,
          description: 'While a payment is open the provider decides: 202 until it has answered.',
          response: { 202: Type.Object({ cancelling: Type.Literal(true) }), 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const target = targetOf(request.params.reservation_id)
        if (target === null) return sendProblem(request, reply, 'not-found')
        const command = { ...target, userId: actorOf(request).userId }
        const outcome = await store.cancel(command)
        if (!outcome.ok && outcome.code === 'payment-in-progress') {
          const ended = await sale.cancel(command)
          reply.header('Cache-Control', personal)
          if (ended === 'cancelled') return reply.status(204).send(null)
          if (ended === 'cancelling') return reply.status(202).send({ cancelling: true as const })
          return sendProblem(request, reply, ended)
        }
        if (!outcome.ok && outcome.code !== 'already-cancelled' && outcome.code !== 'reservation-expired')
          return sendProblem(request, reply, outcome.code)
        if (outcome.ok) noteChange(outcome)
        return reply.status(204).header('Cache-Control', personal).send(null)
      },
    )
  }

  function noteChange(outcome: Extract<ChangeOutcome, { ok: true }>): void {
    const { reservation: changed, moved } = outcome
    const held = changed.state === 'pending_payment'
    availability.applyOwn(
      changed.eventNo,
      changed.userId,
      moved.map(seat => ({
        ...seat,
        status: held ? ('held' as const) : ('available' as const),
        heldUntil: held ? changed.expiresAt : 0,
      })),
    )
  }

  async function readableReservation(text: string, actor: Actor | null, access: string | undefined) {
    const target = targetOf(text)
    if (target === null) return null
    const found = await store.find(target.eventNo, target.reservationId)
    if (found === null) return null
    const mayRead =
      (actor !== null && (found.reservation.userId === actor.userId || maySeeAll(actor))) ||
      (access !== undefined && sale.opens(target.reservationId, access))
    return mayRead ? found : null
  }
}

/** Support looks at a buyer's reservation when they call; nobody else sees what is not theirs. */
function maySeeAll(actor: Actor): boolean {
  return actor.role === 'admin' || actor.role === 'support' || actor.role === 'organizer'
}

function targetOf(text: string): { eventNo: number; reservationId: ReservationId } | null {
  const reservationId = parseId('rsv', text)
  if (reservationId === null) return null
  const eventNo = eventNoOf(reservationId)
  return eventNo <= 0x7fffffff ? { eventNo, reservationId } : null
}

/** What the schema cannot say without turning its errors into riddles. */
function whatClashes(body: HoldBody): { path: string; message: string } | null {
  const { seat_ids, areas, best_available } = body
  if (best_available !== undefined && (seat_ids !== undefined || areas !== undefined))
    return { path: 'best_available', message: 'stands alone; leave out seat_ids and areas' }
  if (best_available === undefined && seat_ids === undefined && areas === undefined)
    return { path: 'body', message: 'must say what to hold: seat_ids, areas or best_available' }
  const areaIds = (areas ?? []).map(area => area.area_id)
  const twice = areaIds.findIndex((areaId, i) => areaIds.indexOf(areaId) !== i)
  return twice === -1
    ? null
    : { path: `areas[${twice}].area_id`, message: 'names an area a second time; add the quantities up' }
}

function deniedBy(refusal: HoldRefusal): Denied {
  const { code } = refusal
  switch (refusal.code) {
    case 'unknown-seats':
      return { code, options: { extras: { seat_ids: refusal.seatIds } } }
    case 'unknown-areas':
      return { code, options: { extras: { area_ids: refusal.areaIds } } }
    case 'seats-unavailable':
      return { code, options: { extras: { conflicting_seat_ids: refusal.seatIds } } }
    case 'capacity-unavailable':
      return { code, options: { extras: { area_id: refusal.areaId, available: refusal.available } } }
    case 'ticket-limit-exceeded':
      return { code, options: { extras: { limit: refusal.limit } } }
    case 'reservation-exists':
      return { code, options: { extras: { reservation_id: refusal.reservationId } } }
    case 'seat-rule':
      return { code, options: { extras: { rule: 'single-seat', seat_ids: refusal.seatIds } } }
    case 'not-on-sale': {
      const { status, onsaleAt } = refusal.definition
      const onsale_at = onsaleAt === null ? null : new Date(onsaleAt).toISOString()
      return { code, options: { extras: { event_status: status, onsale_at } } }
    }
    case 'sales-closed':
      return { code, options: { retryAfterSeconds: 30 } }
    default:
      return { code }
  }
}

function actorOf(request: FastifyRequest): Actor {
  return request.actor!
}
