import { Type } from 'typebox'
import { Figures } from '#contracts/reports.ts'
import type { Clock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Queryable } from '#platform/postgres/database.ts'
import type { Logger } from '#platform/telemetry/logger.ts'
import { FigureStreams } from './figure-streams.ts'
import { readFigures } from './figures.sql.ts'

const tags = ['Organiser']
const config = { access: ['organizer'] as const, traffic: 'reports' as const }
const params = Type.Object({ event_id: Type.String() })
const querystring = Type.Object({
  minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1440, default: 60, description: 'How many to list.' })),
})
const streamedMinutes = 60
const eventStream = {
  description: 'Events until one side closes.',
  content: { 'text/event-stream': { schema: Type.String() } },
}

export function reportRoutes({ db, clock, logger }: { db: Queryable; clock: Clock; logger: Logger }): Routes {
  const streams = new FigureStreams({ read: eventId => readFigures(db, eventId, streamedMinutes), clock, logger })
  return app => {
    app.addHook('preClose', async () => streams.close())

    app.get(
      '/v1/events/:event_id/figures',
      {
        config: { ...config, problems: ['event-not-found'] },
        schema: {
          tags,
          operationId: 'getFigures',
          summary: 'What the sale does, by minute',
          params,
          querystring,
          response: { 200: Figures },
        },
      },
      async (request, reply) => {
        const eventId = parseId('evt', request.params.event_id)
        const figures = eventId && (await readFigures(db, eventId, request.query.minutes ?? 60))
        if (!figures) return sendProblem(request, reply, 'event-not-found')
        return reply.header('Cache-Control', 'private, no-store').send(figures)
      },
    )

    app.get(
      '/v1/events/:event_id/figures/stream',
      {
        config: { ...config, unbounded: true, problems: ['event-not-found'] },
        // A stream has no end, so a HEAD request would never have its answer.
        exposeHeadRoute: false,
        schema: {
          tags,
          operationId: 'streamFigures',
          summary: 'The figures as they change (server-sent events)',
          description:
            '`figures`: all of them, with the last 60 minutes; at first, and at most once a second when they changed.',
          params,
          response: { 200: eventStream },
        },
      },
      async (request, reply) => {
        const eventId = parseId('evt', request.params.event_id)
        const figures = eventId && (await readFigures(db, eventId, streamedMinutes))
        if (!figures) return sendProblem(request, reply, 'event-not-found')
        streams.open(reply, eventId, figures)
        return reply
      },
    )
  }
}
