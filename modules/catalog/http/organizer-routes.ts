import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Event, EventChange, NewEvent, NewVenue, SaleChange, Venue } from '#contracts/catalog.ts'
import type { Clock } from '#kernel/clock.ts'
import { type EventId, parseId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import { type ProblemOptions, sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Answer, Denial, Idempotently } from '#platform/idempotency/index.ts'
import type { Tx } from '#platform/postgres/database.ts'
import { changeEvent } from '../events/change-event.ts'
import { changeSale } from '../events/change-sale.ts'
import { createEvent } from '../events/create-event.ts'
import type { EventDefinitions } from '../events/event-definitions.ts'
import { allowedActions } from '../events/event-status.ts'
import { eventTag, eventView, versionOf } from '../events/event-view.ts'
import { findEvent } from '../events/select-events.ts'
import type { CatalogPorts } from '../ports.ts'
import type { RecentLists } from '../search/recent-lists.ts'
import type { SeatMaps } from '../seat-map/seat-maps.ts'
import { createVenue, venueErrors } from '../venues/create-venue.ts'

export type OrganizerPorts = CatalogPorts & {
  clock: Clock
  random: Random
  idempotently: Idempotently
  definitions: EventDefinitions
  lists: RecentLists
  seatMaps: SeatMaps
}

const tags = ['Organiser']
const config = { access: ['organizer'] as const, traffic: 'operations' as const }
const params = Type.Object({ event_id: Type.String() })
const ifMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ description: 'The ETag you read.' })) })

/** Venues, events and their sale, for organisers. Seat maps have a file of their own. */
export function organizerRoutes(ports: OrganizerPorts): Routes {
  const { idempotently, definitions, lists, seatMaps } = ports
  return app => {
    app.post(
      '/v1/venues',
      {
        config: { ...config, problems: ['idempotency-key-reused'] },
        schema: { tags, operationId: 'createVenue', summary: 'Add a venue', body: NewVenue, response: { 201: Venue } },
      },
      async (request, reply) => {
        const errors = venueErrors(request.body)
        if (errors.length > 0) return invalid(request, reply, errors)
        return idempotently(request, reply, async tx => {
          const { venueId, ...venue } = await createVenue(tx, ports, request.body)
          return { status: 201, body: { venue_id: venueId, ...venue } }
        })
      },
    )

    app.post(
      '/v1/events',
      {
        config: { ...config, problems: ['not-found', 'slug-taken', 'invalid-event', 'idempotency-key-reused'] },
        schema: {
          tags,
          operationId: 'createEvent',
          summary: 'Add an event, as a draft',
          body: NewEvent,
          response: { 201: Event },
        },
      },
      async (request, reply) => {
        const given = request.body
        const venueId = parseId('ven', given.venue_id)
        const seatMapId = parseId('map', given.seatmap_id)
        const found = seatMapId && (await seatMaps.get(seatMapId))
        if (!venueId || !seatMapId || !found) return sendProblem(request, reply, 'not-found', noSuchMap)
        return idempotently(request, reply, async tx => {
          const outcome = await createEvent(tx, ports, { venueId, seatMapId, seatMap: found.seatMap }, given)
          if (outcome.ok) return told(tx, outcome.value.eventId, { status: 201, changed: () => changed(outcome.value) })
          return outcome.code === 'not-found' ? { problem: outcome.code, ...noSuchMap } : denial(outcome)
        })
      },
    )

    app.patch(
      '/v1/events/:event_id',
      {
        config: {
          ...config,
          problems: [
            'event-not-found',
            'slug-taken',
            'seatmap-in-use',
            'invalid-transition',
            'version-mismatch',
            'invalid-event',
            'idempotency-key-reused',
            'precondition-required',
          ],
        },
        schema: {
          tags,
          operationId: 'changeEvent',
          summary: 'Change an event; needs If-Match',
          params,
          headers: ifMatch,
          body: EventChange,
          response: { 200: Event },
        },
      },
      async (request, reply) => {
        const eventId = parseId('evt', request.params.event_id)
        const event = eventId && (await definitions.byIdAsStaff(eventId))
        if (!event) return sendProblem(request, reply, 'event-not-found')
        const match = request.headers['if-match']
        if (match === undefined) return sendProblem(request, reply, 'precondition-required')
        const version = versionOf(match)
        if (version === undefined) return sendProblem(request, reply, 'version-mismatch')
        return idempotently(request, reply, async tx => {
          const command = { eventId: event.eventId, version, seatMap: event.seatMap, given: request.body }
          const outcome = await changeEvent(tx, ports, command)
          if (!outcome.ok) return denial(outcome)
          return told(tx, event.eventId, { status: 200, changed: () => changed(outcome.value) })
        })
      },
    )

    app.post(
      '/v1/events/:event_id/onsale',
      {
        config: {
          ...config,
          problems: [
            'event-not-found',
            'invalid-transition',
            'version-mismatch',
            'invalid-event',
            'idempotency-key-reused',
          ],
        },
        schema: {
          tags,
          operationId: 'changeSale',
          summary: 'Schedule, open, pause, resume or close the sale',
          params,
          headers: ifMatch,
          body: SaleChange,
          response: { 200: Event },
        },
      },
      async (request, reply) => {
        const eventId = parseId('evt', request.params.event_id)
        if (!eventId) return sendProblem(request, reply, 'event-not-found')
        const match = request.headers['if-match']
        const version = match === undefined ? null : versionOf(match)
        if (version === undefined) return sendProblem(request, reply, 'version-mismatch')
        return idempotently(request, reply, async tx => {
          const outcome = await changeSale(tx, ports, { eventId, version, ...request.body })
          if (!outcome.ok) return denial(outcome)
          return told(tx, eventId, { status: 200, changed: () => changed(outcome.value) })
        })
      },
    )
  }

  /** Whoever made a change sees it in the next answer of this process. */
  function changed({ eventNo }: { eventNo: number }): void {
    definitions.forget(eventNo)
    lists.forget()
  }
}

const noSuchMap: ProblemOptions = { detail: 'There is no such venue, or no such seat map of this venue.' }

/** The event as it stands in the transaction. */
async function told(tx: Tx, eventId: EventId, answer: { status: number; changed: () => void }): Promise<Answer> {
  const { event, statusNow } = (await findEvent(tx, eventId))!
  return {
    status: answer.status,
    body: eventView(event, statusNow),
    headers: { ETag: eventTag(event, statusNow), Location: `/v1/events/${eventId}` },
    afterCommit: answer.changed,
  }
}

type Refused = Exclude<
  Awaited<ReturnType<typeof createEvent | typeof changeEvent | typeof changeSale>>,
  { ok: true } | { code: 'not-found' }
>

function denial(refused: Refused): Denial {
  switch (refused.code) {
    case 'invalid-event': {
      const detail = refused.errors.map(({ path, message }) => `${path} ${message}`).join('; ')
      return { problem: refused.code, detail, extras: { errors: refused.errors } }
    }
    case 'invalid-transition':
      return {
        problem: refused.code,
        extras: { event_status: refused.status, allowed: allowedActions(refused.status) },
      }
    default:
      return { problem: refused.code }
  }
}

function invalid(request: FastifyRequest, reply: FastifyReply, errors: { path: string; message: string }[]) {
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return sendProblem(request, reply, 'invalid-request', { detail, extras: { errors } })
}
