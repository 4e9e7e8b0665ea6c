import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Event, EventList, EventQuery, SeatMap } from '#contracts/catalog.ts'
import { type Cacheable, sendCacheable } from '#platform/http/cacheable.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { EventDefinition } from '../events/event-definition.ts'
import type { EventDefinitions } from '../events/event-definitions.ts'
import type { EventStatus } from '../events/event-status.ts'
import { eventTag, eventView } from '../events/event-view.ts'
import { type GeometryBodies, type GeometryEncoding, geometryEncodings } from '../geometry/geometry-bodies.ts'
import { writeGeometry } from '../geometry/write-geometry.ts'
import { readEventQuery } from '../search/read-query.ts'
import type { RecentLists } from '../search/recent-lists.ts'

export type PublicPorts = { definitions: EventDefinitions; lists: RecentLists; geometry: GeometryBodies }

const tags = ['Catalogue']
const params = Type.Object({ event_id: Type.String({ description: 'Id or slug.' }) })
const maxAgeSeconds = 30
const forEver = 'public, max-age=31536000, immutable'

/** `GET /v1/events…`: the same answers for everybody, made to be kept by browsers and edges. */
export function publicRoutes({ definitions, lists, geometry }: PublicPorts): Routes {
  return app => {
    app.get(
      '/v1/events',
      {
        schema: {
          tags,
          operationId: 'listEvents',
          summary: 'List and search events',
          querystring: EventQuery,
          response: { 200: EventList },
        },
      },
      async (request, reply) => {
        const query = readEventQuery(request.query)
        if (!query.ok) {
          const detail = query.errors.map(({ path, message }) => `${path} ${message}`).join('; ')
          return sendProblem(request, reply, 'invalid-request', { detail, extras: { errors: query.errors } })
        }
        const { body, etag, maxAge } = await lists.get(query.search)
        return sendCacheable(request, reply, { body, etag, cacheControl: `public, max-age=${maxAge}` })
      },
    )

    app.get(
      '/v1/events/:event_id',
      {
        config: { problems: ['event-not-found'], atHand },
        schema: { tags, operationId: 'getEvent', summary: 'Read an event', params, response: { 200: Event } },
      },
      async (request, reply) => {
        const event = await visible(request)
        return event ? sendCacheable(request, reply, answerOf(event)) : sendProblem(request, reply, 'event-not-found')
      },
    )

    app.get(
      '/v1/events/:event_id/seatmap',
      {
        config: { problems: ['event-not-found'] },
        schema: {
          tags,
          operationId: 'getSeatMap',
          summary: 'Read the geometry: every section, row, seat and area',
          params,
          querystring: Type.Object({
            v: Type.Optional(Type.String({ description: '`seatmap_version` of the event.' })),
          }),
          response: { 200: SeatMap },
        },
      },
      async (request, reply) => {
        const event = await visible(request)
        if (!event) return sendProblem(request, reply, 'event-not-found')
        const isCurrent = request.query.v === String(event.seatMapVersion)
        const cacheControl = isCurrent ? forEver : `public, max-age=${maxAgeSeconds}`
        const encoding = chooseEncoding(request.headers['accept-encoding'])
        const body = encoding === null ? null : await geometry.get(event, encoding)
        reply.header('Vary', 'Accept-Encoding')
        if (encoding !== null) reply.header('Content-Encoding', encoding)
        return sendCacheable(request, reply, {
          // Weak: the compressed forms have the same name.
          etag: `W/"${geometry.tagOf(event)}"`,
          cacheControl: event.status === 'draft' ? 'private, no-store' : cacheControl,
          body: body ?? (() => Readable.from(writeGeometry(event))),
        })
      },
    )
  }

  /** Drafts are seen by those who make them, and by nobody else. */
  function visible(request: FastifyRequest<{ Params: { event_id: string } }>): Promise<EventDefinition | null> {
    const isStaff = request.actor?.role === 'organizer' || request.actor?.role === 'admin'
    const { event_id } = request.params
    return isStaff ? definitions.byIdAsStaff(event_id) : definitions.byId(event_id)
  }

  function answerOf(event: EventDefinition): Cacheable {
    const status = definitions.statusOf(event)
    return {
      etag: eventTag(event, status),
      cacheControl:
        status === 'draft' ? 'private, no-store' : `public, max-age=${definitions.secondsToKeep(event, maxAgeSeconds)}`,
      body: eventBody(event, status),
    }
  }

  function atHand(idOrSlug: string): Cacheable | null {
    const known = definitions.cached(idOrSlug)
    return known === undefined ? null : answerOf(known)
  }
}

/** The body is written once per definition and status: reading an event page costs a look-up. */
function eventBody(event: EventDefinition, status: EventStatus): Buffer {
  const written = bodies.get(event)
  if (written?.status === status) return written.body
  const body = Buffer.from(JSON.stringify(eventView(event, status)))
  bodies.set(event, { status, body })
  return body
}

const bodies = new WeakMap<EventDefinition, { status: EventStatus; body: Buffer }>()

/** The best encoding that the client takes, or null. `q=0` refuses one; other weights are not worth a parser. */
function chooseEncoding(accepted: string | string[] | undefined): GeometryEncoding | null {
  const offers = String(accepted ?? '')
    .toLowerCase()
    .split(',')
    .map(offer => offer.trim())
    .filter(offer => !/;\s*q=0(\.0*)?$/.test(offer))
    .map(offer => offer.split(';')[0])
  return geometryEncodings.find(encoding => offers.includes(encoding)) ?? null
}
