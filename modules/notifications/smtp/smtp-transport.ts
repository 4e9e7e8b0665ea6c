import nodemailer from 'nodemailer'
import { mimeOf } from '../mime.ts'
import type { MailTransport } from '../ports.ts'
import { faultOf } from './smtp-fault.ts'

export type SmtpTransportOptions = {
  /** `smtps://user:password@host` for TLS from the start, `smtp://` for STARTTLS where offered, `?requireTLS=true` to insist. */
  url: string
  connections?: number
  /** For each of: connecting, the greeting, and any silence afterwards. */
  silenceMs?: number
}

/** Hands mails to a mail server. Connections are kept, since a handshake costs more than a mail. */
export function smtpTransport({ url, connections = 4, silenceMs = 20_000 }: SmtpTransportOptions): MailTransport {
  const smtp = nodemailer.createTransport({
    url,
    pool: true,
    maxConnections: connections,
    // Retries live in one place, the queue, which knows that a mail may have gone out.
    maxRequeues: 0,
    idleTimeout: 30_000,
    connectionTimeout: silenceMs,
    greetingTimeout: silenceMs,
    socketTimeout: silenceMs,
    dnsTimeout: silenceMs,
  })
  return {
    name: 'smtp',
    async send(mail, signal) {
      const envelope = { from: mail.from.address, to: [mail.to.address] }
      const raw = await mimeOf(mail)
      try {
        await smtp.sendMail({ envelope, raw, signal })
      } catch (error) {
        throw faultOf(error)
      }
    },
    close: async () => smtp.close(),
  }
}
