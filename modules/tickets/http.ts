import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Actor } from '#contracts/actor.ts'
import { DoorKeys, Ticket, TicketList } from '#contracts/tickets.ts'
import { eventNoOf, parseId, type ReservationId, type TicketId } from '#kernel/ids.ts'
import { sendCacheable } from '#platform/http/cacheable.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import { doorKeysOf, type SigningKeys } from './code/signing-keys.ts'
import { payloadOf } from './code/ticket-code.ts'
import type { TicketFace } from './render/ticket-face.ts'
import { ticketPdf } from './render/ticket-pdf.ts'
import { ticketSvg } from './render/ticket-svg.ts'
import { findTicket, type TicketRecord, ticketsOfReservation, ticketsOfUser } from './tickets.sql.ts'

/** What stands on a ticket of its event. */
export type EventOfTicket = {
  eventId: string
  name: string
  artist: string | null
  startsAt: number
  doorsAt: number | null
  venue: { name: string; city: string; country: string; timezone: string }
}

export type TicketRoutesDeps = {
  db: Queryable
  keys: () => SigningKeys
  eventOf: (eventNo: number) => Promise<EventOfTicket | null>
  /** Of an id or slug that the public may know. */
  eventNoOf: (idOrSlug: string) => Promise<number | null>
  /** Whether this text from an `access_url` opens the reservation and its tickets. */
  opensReservation: (reservationId: ReservationId, access: string) => boolean
}

const tags = ['Tickets']
const personal = 'private, no-store'
const withAccess = Type.Object(
  { access: Type.Optional(Type.String({ maxLength: 100, description: 'From `access_url`, instead of a token.' })) },
  { additionalProperties: false },
)
const pages = {
  description: 'The pages to print.',
  content: { 'application/pdf': { schema: Type.String({ format: 'binary' }) } },
}
const ticketForms = {
  description: 'The ticket, its picture (`.svg`) or its page (`.pdf`).',
  content: {
    'application/json': { schema: Ticket },
    'image/svg+xml': { schema: Type.String() },
    'application/pdf': { schema: Type.String({ format: 'binary' }) },
  },
}
const maySeeAll = new Set(['admin', 'support', 'organizer', 'finance'])

export function ticketRoutes(deps: TicketRoutesDeps): {
  mount: Routes
  printOrder: (eventNo: number, reservationId: ReservationId) => Promise<Buffer | null>
} {
  const { db, keys, eventOf, eventNoOf: eventNoOfId, opensReservation } = deps

  const mount: Routes = app => {
    app.get(
      '/v1/tickets/:ticket_id',
      {
        config: { access: 'public', traffic: 'pay', problems: ['not-found', 'unauthenticated'] },
        schema: {
          tags,
          operationId: 'getTicket',
          summary: 'A ticket; with `.svg` or `.pdf` after its id, to show or to print',
          params: Type.Object({ ticket_id: Type.String() }),
          querystring: withAccess,
          response: { 200: ticketForms },
        },
      },
      async (request, reply) => {
        const { id, suffix } = splitSuffix(request.params.ticket_id)
        if (isNobody(request)) return sendProblem(request, reply, 'unauthenticated')
        const found = await readable(request, parseId('tkt', id))
        if (found === null) return sendProblem(request, reply, 'not-found')
        const event = (await eventOf(found.eventNo))!
        reply.header('Cache-Control', personal)
        if (suffix === 'svg') return sendSvg(reply, ticketSvg(faceOf(found, event)))
        if (suffix === 'pdf') return sendPdf(reply, await ticketPdf([faceOf(found, event)]), found.ticketId)
        return reply.send(viewOf(found, event))
      },
    )

    app.get(
      '/v1/reservations/:reservation_id/tickets.pdf',
      {
        config: { access: 'public', traffic: 'pay', problems: ['not-found', 'unauthenticated'] },
        schema: {
          tags,
          operationId: 'printTickets',
          summary: 'All live tickets of a reservation, one page each',
          params: Type.Object({ reservation_id: Type.String() }),
          querystring: withAccess,
          response: { 200: pages },
        },
      },
      async (request, reply) => {
        const reservationId = parseId('rsv', request.params.reservation_id)
        if (isNobody(request)) return sendProblem(request, reply, 'unauthenticated')
        if (reservationId === null || eventNoOf(reservationId) > 0x7fffffff)
          return sendProblem(request, reply, 'not-found')
        const tickets = await ticketsOfReservation(db, eventNoOf(reservationId), reservationId)
        const first = tickets[0]
        const pdf = first && mayRead(request, first) ? await printOrder(first.eventNo, reservationId) : null
        if (pdf === null) return sendProblem(request, reply, 'not-found')
        reply.header('Cache-Control', personal)
        return sendPdf(reply, pdf, reservationId)
      },
    )

    app.get(
      '/v1/me/tickets',
      {
        config: { access: 'any', traffic: 'browse' },
        schema: {
          tags,
          operationId: 'listMyTickets',
          summary: 'Your tickets, newest first',
          querystring: Type.Object(
            {
              limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
              cursor: Type.Optional(Type.String({ maxLength: 64 })),
            },
            { additionalProperties: false },
          ),
          response: { 200: TicketList },
        },
      },
      async (request, reply) => {
        const { limit = 20, cursor } = request.query
        const before = cursor === undefined ? undefined : parseId('tkt', cursor)
        if (before === null)
          return sendProblem(request, reply, 'invalid-request', {
            detail: 'cursor must be a next_cursor of this list.',
            extras: { errors: [{ path: 'cursor', message: 'must be a next_cursor of this list' }] },
          })
        const page = { limit: limit + 1, ...(before !== undefined && { before }) }
        const tickets = await ticketsOfUser(db, request.actor!.userId, page)
        const items = []
        for (const ticket of tickets.slice(0, limit)) {
          const event = await eventOf(ticket.eventNo)
          if (event !== null) items.push(viewOf(ticket, event))
        }
        const next_cursor = tickets.length > limit ? tickets[limit - 1]!.ticketId : null
        return reply.header('Cache-Control', personal).send({ items, next_cursor })
      },
    )

    app.get(
      '/v1/events/:event_id/door-keys',
      {
        config: { problems: ['event-not-found'] },
        schema: {
          tags,
          operationId: 'getDoorKeys',
          summary: 'The public keys by which a ticket is known without a network',
          params: Type.Object({ event_id: Type.String({ description: 'Id or slug.' }) }),
          response: { 200: DoorKeys },
        },
      },
      async (request, reply) => {
        if ((await eventNoOfId(request.params.event_id)) === null) return sendProblem(request, reply, 'event-not-found')
        const { all, current } = keys()
        // Keys are only ever added, so how many there are and which is the newest say which list it is.
        const etag = `"${all.length}-${current.kid}"`
        const body = JSON.stringify(doorKeysOf({ all, current }))
        return sendCacheable(request, reply, { etag, cacheControl: 'public, max-age=60', body })
      },
    )
  }

  return { mount, printOrder }

  async function printOrder(eventNo: number, reservationId: ReservationId): Promise<Buffer | null> {
    const tickets = await ticketsOfReservation(db, eventNo, reservationId)
    const live = tickets.filter(ticket => ticket.status !== 'void')
    const event = live.length > 0 ? await eventOf(eventNo) : null
    return event === null ? null : ticketPdf(live.map(ticket => faceOf(ticket, event)))
  }

  async function readable(request: FastifyRequest, ticketId: TicketId | null): Promise<TicketRecord | null> {
    if (ticketId === null || eventNoOf(ticketId) > 0x7fffffff) return null
    const found = await findTicket(db, eventNoOf(ticketId), ticketId)
    return found !== null && mayRead(request, found) ? found : null
  }

  function mayRead(request: FastifyRequest, ticket: TicketRecord): boolean {
    const { access } = request.query as { access?: string }
    return isOwner(request.actor, ticket) || (access !== undefined && opensReservation(ticket.reservationId, access))
  }
}

function isNobody(request: FastifyRequest): boolean {
  return request.actor === null && (request.query as { access?: string }).access === undefined
}

function isOwner(actor: Actor | null, ticket: TicketRecord): boolean {
  return actor !== null && (ticket.userId === actor.userId || maySeeAll.has(actor.role))
}

function splitSuffix(text: string): { id: string; suffix: string | null } {
  const dot = text.lastIndexOf('.')
  const suffix = dot === -1 ? null : text.slice(dot + 1)
  return suffix === 'svg' || suffix === 'pdf' ? { id: text.slice(0, dot), suffix } : { id: text, suffix: null }
}

function payloadOfTicket(ticket: TicketRecord): string {
  const { keyNumber, eventNo, seatNo, areaNo, ticketId, generation, signature } = ticket
  const place = seatNo === null ? { areaNo: areaNo! } : { seatNo }
  return payloadOf({ keyNumber, eventNo, place, ticketId, generation }, signature)
}

function viewOf(ticket: TicketRecord, event: EventOfTicket): Ticket {
  return {
    ticket_id: ticket.ticketId,
    event_id: event.eventId,
    reservation_id: ticket.reservationId,
    section: ticket.section,
    row: ticket.row,
    number: ticket.number,
    area_id: ticket.areaId,
    amount: ticket.amount,
    currency: ticket.currency,
    holder_name: ticket.holderName,
    status: ticket.status,
    issued_at: new Date(ticket.issuedAt).toISOString(),
    qr_payload: payloadOfTicket(ticket),
  }
}

function faceOf(ticket: TicketRecord, event: EventOfTicket): TicketFace {
  const { timezone, ...venue } = event.venue
  return {
    eventName: event.name,
    artist: event.artist,
    startsAt: event.startsAt,
    doorsAt: event.doorsAt,
    timezone,
    venue,
    section: ticket.section,
    row: ticket.row,
    number: ticket.number,
    areaId: ticket.areaId,
    holderName: ticket.holderName,
    amount: ticket.amount,
    currency: ticket.currency,
    ticketId: ticket.ticketId,
    isVoid: ticket.status === 'void',
    payload: payloadOfTicket(ticket),
  }
}

/** The picture runs nothing and loads nothing, even opened by itself. */
function sendSvg(reply: FastifyReply, svg: string) {
  return reply
    .header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
    .type('image/svg+xml; charset=utf-8')
    .serializer((text: unknown) => text as string)
    .send(svg as never)
}

function sendPdf(reply: FastifyReply, pdf: Buffer, name: string) {
  return reply
    .header('Content-Disposition', `inline; filename="${name}.pdf"`)
    .type('application/pdf')
    .send(pdf as never)
}
