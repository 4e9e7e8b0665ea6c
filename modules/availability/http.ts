import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Catalog, EventDefinition } from '#catalog'
import { Availability, SeatsOfSection, SeatsQuery } from '#contracts/availability.ts'
import type { AtHand } from '#platform/http/at-hand.ts'
import { type Cacheable, sendCacheable } from '#platform/http/cacheable.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { View } from './publish/published-event.ts'
import { acceptedEncoding, type SharedBody } from './publish/shared-body.ts'
import type { Streams, Watched } from './stream/streams.ts'

export type AvailabilityPorts = {
  definitions: Pick<Catalog['definitions'], 'byId' | 'cached'>
  /** The event in memory; reads it when it is not there yet. */
  watch: (eventNo: number) => Watched | Promise<Watched>
  view: (definition: EventDefinition) => View
  streams: Streams
}

const tags = ['Availability']
const params = Type.Object({ event_id: Type.String({ description: 'Id or slug.' }) })
const json = 'application/json; charset=utf-8'
const bytes = {
  description: 'One byte for four seats.',
  content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } },
}
const eventStream = {
  description: 'Events until one side closes.',
  content: { 'text/event-stream': { schema: Type.String() } },
}

/**
 * What is free: the same answers for everybody. Bodies are buffers that all requests share, and nothing is serialised on the
 * way; most are given before the framework.
 */
export function availabilityRoutes({ definitions, watch, view, streams }: AvailabilityPorts): Routes {
  type EventRequest = FastifyRequest<{ Params: { event_id: string } }>
  type Answer = (definition: EventDefinition, watched: Watched) => FastifyReply
  /** What everybody gets of an event, by what encoding they take. */
  type Public = (definition: EventDefinition, watched: Watched, accepts: string | string[] | undefined) => Cacheable

  const counts: Public = (definition, { published }, accepts) =>
    answerOf(published.sections(view(definition)), accepts, { contentType: json })

  const snapshot: Public = (definition, { published }, accepts) => {
    const body = published.snapshot(view(definition))
    const contentType = 'application/octet-stream'
    return answerOf(body, accepts, { contentType, more: [['x-availability-version', body.version]] })
  }

  /** Where the event is in memory, which is nearly always. */
  const atHand =
    (answer: Public): AtHand =>
    (idOrSlug, headers) => {
      const definition = definitions.cached(idOrSlug)
      const watched = definition && watch(definition.eventNo)
      if (!definition || !watched || watched instanceof Promise) return null
      return answer(definition, watched, headers['accept-encoding'])
    }

  const send = (answer: Public) => (request: EventRequest, reply: FastifyReply) =>
    ofEvent(request, reply, (definition, watched) =>
      sendCacheable(request, reply, answer(definition, watched, request.headers['accept-encoding'])),
    )

  function ofEvent(request: EventRequest, reply: FastifyReply, answer: Answer): void {
    read(request, reply, answer).catch(error => reply.send(error))
  }

  async function read(request: EventRequest, reply: FastifyReply, answer: Answer): Promise<FastifyReply> {
    const definition = await definitions.byId(request.params.event_id)
    if (definition === null) return sendProblem(request, reply, 'event-not-found')
    return answer(definition, await watch(definition.eventNo))
  }

  return app => {
    app.addHook('preClose', async () => streams.close())

    app.get(
      '/v1/events/:event_id/availability',
      {
        config: { problems: ['event-not-found'], atHand: atHand(counts) },
        schema: {
          tags,
          operationId: 'getAvailability',
          summary: 'Count what is free, by section',
          params,
          response: { 200: Availability },
        },
      },
      send(counts),
    )

    app.get(
      '/v1/events/:event_id/seats',
      {
        config: { problems: ['event-not-found', 'not-found'] },
        schema: {
          tags,
          operationId: 'listSeats',
          summary: 'List the seats of a section',
          params,
          querystring: SeatsQuery,
          response: { 200: SeatsOfSection },
        },
      },
      (request, reply) =>
        ofEvent(request, reply, (definition, { seats, published }) => {
          const { section } = request.query
          const sectionNo = seats.map.sectionNoOf(section)
          if (sectionNo === -1)
            return sendProblem(request, reply, 'not-found', {
              detail: `The event has no section "${section}" with seats.`,
            })
          const list = published.seatsOf(view(definition), sectionNo)
          return sendCacheable(
            request,
            reply,
            answerOf(list, request.headers['accept-encoding'], { contentType: json }),
          )
        }),
    )

    app.get(
      '/v1/events/:event_id/availability/snapshot',
      {
        config: { problems: ['event-not-found'], atHand: atHand(snapshot) },
        schema: {
          tags,
          operationId: 'getSnapshot',
          summary: 'The state of every seat, two bits each',
          description:
            'Seat n in bits 2(n mod 4) and the next from the least significant of byte n >> 2; ' +
            '0 available, 1 held or reserved, 2 sold, 3 blocked. `X-Availability-Version` is where the stream goes on.',
          params,
          response: { 200: bytes },
        },
      },
      send(snapshot),
    )

    app.get(
      '/v1/events/:event_id/availability/stream',
      {
        config: { unbounded: true, problems: ['event-not-found'] },
        // A stream has no end, so a HEAD request would never have its answer.
        exposeHeadRoute: false,
        schema: {
          tags,
          operationId: 'streamAvailability',
          summary: 'Changes as they happen (server-sent events)',
          description:
            '`delta`: `{version, changes: [[seat_no, state], …], areas: {area_id: available}}`. `resync`: fetch the snapshot, ' +
            'then go on with the deltas. A client whose EventSource cannot send `Last-Event-ID` at first passes `last_event_id`.',
          params,
          querystring: Type.Object({ last_event_id: Type.Optional(Type.String({ maxLength: 100 })) }),
          response: { 200: eventStream },
        },
      },
      (request, reply) =>
        ofEvent(request, reply, ({ eventNo }) => {
          const header = request.headers['last-event-id']
          streams.open(request, reply, eventNo, typeof header === 'string' ? header : request.query.last_event_id)
          return reply
        }),
    )
  }
}

function answerOf(
  body: SharedBody,
  accepts: string | string[] | undefined,
  { contentType, more = [] }: { contentType: string; more?: [string, string][] },
): Cacheable {
  const encoding = body.encodingFor(acceptedEncoding(accepts))
  return {
    etag: body.etag,
    cacheControl: 'public, max-age=1',
    contentType,
    ...(encoding !== 'identity' && { encoding }),
    headers: [['vary', 'Accept-Encoding'], ...more],
    body: body.encoded(encoding),
  }
}
