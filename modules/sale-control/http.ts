import Type from 'typebox'
import { type Catalog, selectSeats } from '#catalog'
import { ManifestAudit } from '#contracts/reports.ts'
import { seatsBulkAnswer, seatsBulkBody } from '#contracts/reservations.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import { auditManifest } from './audit-manifest.ts'
import { changeSeats } from './change-seats.ts'
import type { SaleControlOptions } from './index.ts'

const tags = ['Organiser']
const oneEvent = Type.Object({ event_id: Type.String() })
const organizers = ['organizer'] as const

export function saleControlRoutes(options: SaleControlOptions): Routes {
  const { db, catalog, idempotently } = options
  return app => {
    app.post(
      '/v1/events/:event_id/seats::bulk',
      {
        config: { access: organizers, traffic: 'pay', problems: ['event-not-found', 'idempotency-key-reused'] },
        schema: {
          tags,
          operationId: 'changeSeats',
          summary: 'Set seats aside, put them back on sale, or price them',
          description:
            'A seat that somebody holds or has is never taken from them, nor its price changed: it is told in `refused`.',
          params: oneEvent,
          body: seatsBulkBody,
          response: { 200: seatsBulkAnswer },
        },
      },
      async (request, reply) => {
        const definition = await eventOf(catalog, request.params.event_id)
        if (definition === null) return sendProblem(request, reply, 'event-not-found')
        const selected = selectSeats(definition.seatMap, request.body.select)
        if (!selected.ok) return sendProblem(request, reply, 'invalid-request', { extras: { errors: selected.errors } })
        return idempotently(request, reply, tx =>
          changeSeats(tx, options, { definition, seatNos: selected.seatNos, set: request.body.set }),
        )
      },
    )

    app.get(
      '/v1/events/:event_id/audit',
      {
        config: {
          access: ['organizer', 'finance', 'support'],
          traffic: 'reports',
          problems: ['event-not-found'],
        },
        schema: {
          tags,
          operationId: 'auditEvent',
          summary: 'The manifest audit, from one snapshot of the tables',
          params: oneEvent,
          response: { 200: ManifestAudit },
        },
      },
      async (request, reply) => {
        const definition = await eventOf(catalog, request.params.event_id)
        const audit = definition && (await auditManifest(db, definition.eventNo))
        if (!audit) return sendProblem(request, reply, 'event-not-found')
        return reply.header('Cache-Control', 'private, no-store').send(audit)
      },
    )
  }
}

function eventOf(catalog: Catalog, idOrSlug: string) {
  return catalog.definitions.byIdAsStaff(idOrSlug)
}
