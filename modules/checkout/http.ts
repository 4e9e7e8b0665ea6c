import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  checkoutAnswer,
  checkoutBody,
  checkoutQueued,
  type Reservation,
  refundAnswer,
  refundBody,
} from '#contracts/reservations.ts'
import { eventNoOf, parseId, type ReservationId, type TicketId } from '#kernel/ids.ts'
import type { PaymentProvider } from '#payments'
import { sendInvalid, sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { statusOf } from './describe-sale.ts'
import type { OpenCheckout } from './open-checkout.ts'
import type { RefundAnswer, RefundCommand } from './refund.ts'
import type { ReservationStreams } from './reservation-streams.ts'

export type CheckoutRoutesDeps = {
  openCheckout: OpenCheckout
  decideRefund: (tx: Tx, command: RefundCommand) => Promise<RefundAnswer>
  provider: Pick<PaymentProvider, 'name' | 'publishableKey'>
  idempotently: Idempotently
  streams: ReservationStreams
  accessUrlOf: (reservationId: ReservationId) => string
  /** The reservation if this request may read it. */
  readable: (request: FastifyRequest, reservationId: ReservationId) => Promise<Reservation | null>
}

const tags = ['Payments']
const oneReservation = Type.Object({ reservation_id: Type.String() })
const personal = 'private, no-store'
const eventStream = {
  description: 'The reservation as it is, then again with each change, until one side closes.',
  content: { 'text/event-stream': { schema: Type.String() } },
}

export function checkoutRoutes(deps: CheckoutRoutesDeps): Routes {
  const { openCheckout, decideRefund, provider, idempotently, streams, readable, accessUrlOf } = deps
  return app => {
    app.addHook('preClose', async () => streams.close())

    app.post(
      '/v1/reservations/:reservation_id/checkout',
      {
        config: {
          access: 'any',
          traffic: 'pay',
          problems: [
            'not-found',
            'reservation-expired',
            'already-cancelled',
            'already-confirmed',
            'not-on-sale',
            'amount-not-chargeable',
            'payments-unavailable',
          ],
        },
        schema: {
          tags,
          operationId: 'checkOut',
          summary: 'Begin to pay a reservation',
          description:
            'Natural repetition: the same reservation gives the same payment. From here on the places do not run out by themselves; what the payment provider says decides. 202 while the provider is away: the places are kept, the buyer is told by mail.',
          params: oneReservation,
          body: checkoutBody,
          response: { 200: checkoutAnswer, 202: checkoutQueued },
        },
      },
      async (request, reply) => {
        const target = targetOf(request.params.reservation_id)
        if (target === null) return sendProblem(request, reply, 'not-found')
        const { email, name, return_url } = request.body
        if (return_url !== undefined && !/^https?:\/\//i.test(return_url))
          return sendInvalid(request, reply, [
            { path: 'body.return_url', message: 'must begin with https:// or http://' },
          ])
        const { traceparent } = request.headers
        const answer = await openCheckout({
          ...target,
          userId: request.actor!.userId,
          email,
          name: name.trim() || email,
          traceparent: typeof traceparent === 'string' && /^[\da-f-]{55}$/.test(traceparent) ? traceparent : null,
        })
        reply.header('Cache-Control', personal)
        switch (answer.kind) {
          case 'refused':
            return refuse(request, reply, answer)
          case 'not-required':
            return reply.send({ payment_id: null, status: 'not_required' })
          case 'queued':
            return reply.status(202).send({ payment_id: answer.payment.paymentId, status: 'queued' as const })
          case 'ready':
            return reply.send({
              payment_id: answer.payment.paymentId,
              provider: provider.name,
              provider_ref: answer.intent.ref,
              client_secret: answer.intent.clientSecret,
              publishable_key: provider.publishableKey,
              return_url: return_url ?? accessUrlOf(target.reservationId),
              amount: answer.payment.amount,
              currency: answer.payment.currency,
              status: statusOf({ ...answer.payment, queuedAt: null }),
            })
        }
      },
    )

    app.get(
      '/v1/reservations/:reservation_id/stream',
      {
        // A stream has no end, so a HEAD request would never have its answer.
        exposeHeadRoute: false,
        config: { access: 'public', traffic: 'pay', unbounded: true, problems: ['not-found', 'unauthenticated'] },
        schema: {
          tags,
          operationId: 'streamReservation',
          summary: 'The reservation, each time that it changes (server-sent events)',
          params: oneReservation,
          response: { 200: eventStream },
          querystring: Type.Object(
            { access: Type.Optional(Type.String({ maxLength: 100 })) },
            { additionalProperties: false },
          ),
        },
      },
      async (request, reply) => {
        const target = targetOf(request.params.reservation_id)
        if (request.actor === null && request.query.access === undefined)
          return sendProblem(request, reply, 'unauthenticated')
        if (target === null || (await readable(request, target.reservationId)) === null)
          return sendProblem(request, reply, 'not-found')
        await streams.open(reply, target)
        return reply
      },
    )

    app.post(
      '/v1/reservations/:reservation_id/refund',
      {
        config: {
          access: ['finance'],
          traffic: 'pay',
          problems: ['not-found', 'already-refunded', 'capture-pending', 'unknown-tickets', 'idempotency-key-reused'],
        },
        schema: {
          tags,
          operationId: 'refundReservation',
          summary: 'Give money back and void the tickets',
          description:
            'The tickets named; without them all that is left: live tickets, and money that is owed without one (a refund that failed, a payment in quarantine). The money follows: see `payment.status` of the reservation.',
          params: oneReservation,
          body: refundBody,
          response: { 202: refundAnswer },
        },
      },
      async (request, reply) => {
        const target = targetOf(request.params.reservation_id)
        if (target === null) return sendProblem(request, reply, 'not-found')
        const { reason, tickets } = request.body
        const named = tickets?.map(text => parseId('tkt', text))
        if (tickets !== undefined && named!.includes(null))
          return sendProblem(request, reply, 'unknown-tickets', {
            extras: { ticket_ids: tickets.filter(text => parseId('tkt', text) === null) },
          })
        return idempotently(request, reply, async tx => {
          const decided = await decideRefund(tx, {
            ...target,
            reason,
            requestedBy: request.actor!.userId,
            ...(named !== undefined && { ticketIds: named as TicketId[] }),
          })
          if (decided.ok) {
            // Nothing had been paid for these: they are void, and that is all.
            if (decided.refund === null)
              return { status: 202, body: { refund_id: null, amount: 0, status: 'not_required' } }
            const { refundId, amount, status } = decided.refund
            return { status: 202, body: { refund_id: refundId, amount, status } }
          }
          return decided.code === 'unknown-tickets'
            ? { problem: decided.code, extras: { ticket_ids: decided.ticketIds } }
            : { problem: decided.code }
        })
      },
    )
  }
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  { code, retryAfterSeconds, inTime }: Extract<Awaited<ReturnType<OpenCheckout>>, { kind: 'refused' }>,
) {
  return sendProblem(request, reply, code, {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(code === 'not-on-sale' && { extras: { event_status: 'cancelled' } }),
    ...(inTime !== undefined && { extras: { in_time: inTime } }),
  })
}

function targetOf(text: string): { eventNo: number; reservationId: ReservationId } | null {
  const reservationId = parseId('rsv', text)
  if (reservationId === null) return null
  const eventNo = eventNoOf(reservationId)
  return eventNo <= 0x7fffffff ? { eventNo, reservationId } : null
}
