import type { FastifyReply, onRequestHookHandler } from 'fastify'
import { Type } from 'typebox'
import { parseId } from '#kernel/ids.ts'
import { sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Mailbox, StoredMail } from '../ports.ts'
import { mayLook } from './may-look.ts'
import { listPage, mailPage, policies } from './pages.ts'

const pageLength = 25
const params = Type.Object({ mail_id: Type.String() })
const attachmentParams = Type.Object({ mail_id: Type.String(), number: Type.String() })
const querystring = Type.Object({ before: Type.Optional(Type.String()) })

/** `/sandbox/mailbox`: what buyers would have got. To whoever may not look, there is nothing there. */
export function mailboxRoutes(mailbox: Mailbox): Routes {
  const schema = { hide: true }
  const onRequest: onRequestHookHandler = (request, reply, done) => {
    if (!mayLook(request)) return void sendProblem(request, reply, 'not-found')
    reply
      .header('Cache-Control', 'private, no-store')
      .header('X-Content-Type-Options', 'nosniff')
      .header('Referrer-Policy', 'no-referrer')
    done()
  }
  // An id names a file only after it was found to be one: letters and digits of a fixed number.
  const find = async (text: string): Promise<StoredMail | null> => {
    const mailId = parseId('mail', text)
    return mailId && mailbox.find(mailId)
  }

  return app => {
    app.get('/sandbox/mailbox', { onRequest, schema: { ...schema, querystring } }, async (request, reply) => {
      const before = request.query.before === undefined ? null : parseId('mail', request.query.before)
      const { mails, hasMore } = await mailbox.list({ limit: pageLength, before })
      return sendHtml(reply, listPage({ mails, hasMore, isFirst: before === null }), policies.page)
    })

    app.get('/sandbox/mailbox/:mail_id', { onRequest, schema: { ...schema, params } }, async (request, reply) => {
      const mail = await find(request.params.mail_id)
      if (mail === null) return sendProblem(request, reply, 'not-found')
      return sendHtml(reply, mailPage(mail), policies.page)
    })

    app.get('/sandbox/mailbox/:mail_id/html', { onRequest, schema: { ...schema, params } }, async (request, reply) => {
      const mail = await find(request.params.mail_id)
      if (mail === null) return sendProblem(request, reply, 'not-found')
      return sendHtml(reply, mail.html, policies.mail)
    })

    app.get('/sandbox/mailbox/:mail_id/raw', { onRequest, schema: { ...schema, params } }, async (request, reply) => {
      const mailId = parseId('mail', request.params.mail_id)
      const raw = mailId && (await mailbox.raw(mailId))
      if (!raw) return sendProblem(request, reply, 'not-found')
      return sendFile(reply, { filename: `${mailId}.eml`, contentType: 'message/rfc822', content: raw })
    })

    app.get(
      '/sandbox/mailbox/:mail_id/attachments/:number',
      { onRequest, schema: { ...schema, params: attachmentParams } },
      async (request, reply) => {
        const mail = await find(request.params.mail_id)
        const attachment = /^\d{1,3}$/.test(request.params.number) && mail?.attachments[Number(request.params.number)]
        if (!attachment) return sendProblem(request, reply, 'not-found')
        return sendFile(reply, attachment)
      },
    )
  }
}

function sendHtml(reply: FastifyReply, html: string, policy: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('Content-Security-Policy', policy).send(html)
}

/** To be kept, never to be shown in place: a file of ours may say it is HTML. */
function sendFile(
  reply: FastifyReply,
  { filename, contentType, content }: { filename: string; contentType: string; content: Buffer },
): FastifyReply {
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(contentType) ? contentType : 'application/octet-stream'
  return reply
    .type(type)
    .header(
      'Content-Disposition',
      `attachment; filename*=UTF-8''${encodeURIComponent(filename).replaceAll("'", '%27')}`,
    )
    .header('Content-Security-Policy', policies.mail)
    .send(content)
}
