import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { SeatMapImported } from '#contracts/catalog.ts'
import type { Clock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import { sendInvalid, sendProblem } from '#platform/http/problem.ts'
import type { HttpServer, Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import { prepareInChild } from '../seat-map/prepare-in-child.ts'
import { storeSeatMap } from '../seat-map/store-seat-map.ts'

const bodyLimit = 32 * 1024 * 1024

/** `POST /v1/venues/{id}/seatmaps`: a seating plan or a manifest, as a file. */
export function importRoute(ports: { clock: Clock; random: Random; idempotently: Idempotently }): Routes {
  return app =>
    void app.register(async plain => {
      const scope = plain as HttpServer
      // The file goes to its thread as it came: neither parsed nor checked on this one.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser(
        ['application/json', 'text/csv'],
        { parseAs: 'buffer', bodyLimit },
        (_request, body, done) => done(null, body),
      )
      scope.post(
        '/v1/venues/:venue_id/seatmaps',
        {
          bodyLimit,
          // 32 MB over a slow line take longer than a request may otherwise last.
          config: {
            access: ['organizer'],
            traffic: 'reports',
            unbounded: true,
            problems: ['not-found', 'invalid-seatmap', 'idempotency-key-reused'],
          },
          schema: {
            tags: ['Organiser'],
            operationId: 'importSeatMap',
            summary: 'Import a seating plan (JSON) or a manifest (CSV)',
            consumes: ['application/json', 'text/csv'],
            body: Type.Unknown({ description: 'The file, at most 32 MB.' }),
            params: Type.Object({ venue_id: Type.String() }),
            querystring: Type.Object({
              name: Type.Optional(Type.String({ maxLength: 200, description: 'Of a manifest, which has no name.' })),
            }),
            response: { 201: SeatMapImported },
          },
        },
        async (request, reply) => {
          const venueId = parseId('ven', request.params.venue_id)
          if (!venueId) return sendProblem(request, reply, 'not-found')
          if (request.query.name?.includes('\0'))
            return sendInvalid(request, reply, [{ path: 'name', message: 'must not contain U+0000' }])
          const prepared = await prepareInChild(fileOf(request, request.query.name))
          if (!prepared.ok && prepared.code === 'not-text')
            return sendProblem(request, reply, 'invalid-request', notText)
          if (!prepared.ok) return sendProblem(request, reply, prepared.code, { extras: { errors: prepared.errors } })
          // The key stands for this file; its bytes would be far too many to compare.
          request.body = createHash('sha256')
            .update(request.body as Buffer)
            .digest('base64')
          return ports.idempotently(request, reply, async tx => {
            const stored = await storeSeatMap(tx, ports, venueId, prepared.value)
            if (!stored) return { problem: 'not-found', detail: 'There is no such venue.' }
            const { seatCount, areaCount, warnings } = prepared.value
            const { seatMapId, version } = stored
            return {
              status: 201,
              body: { seatmap_id: seatMapId, version, seats: seatCount, areas: areaCount, warnings },
            }
          })
        },
      )
    })
}

function fileOf(request: FastifyRequest, name: string | undefined) {
  const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  return request.headers['content-type']?.startsWith('text/csv')
    ? { kind: 'manifest' as const, bytes, name: name?.trim() || 'Manifest' }
    : { kind: 'plan' as const, bytes }
}

const notText = {
  detail: 'The body is not JSON in UTF-8, or it is nested more than 64 levels deep.',
  extras: { errors: [{ path: 'body', message: 'is not valid JSON' }] },
}
