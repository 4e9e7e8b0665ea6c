import MailComposer from 'nodemailer/lib/mail-composer'
import type { OutgoingMail } from './ports.ts'

/** The mail as RFC 5322 text. The same mail makes the same bytes, boundaries included. */
export function mimeOf(mail: OutgoingMail): Promise<Buffer> {
  return new MailComposer({
    from: mail.from,
    to: mail.to,
    subject: mail.subject,
    messageId: mail.messageId,
    date: mail.sentAt,
    // RFC 3834: whoever is on holiday need not tell us.
    headers: { 'Auto-Submitted': 'auto-generated' },
    text: mail.text,
    html: mail.html,
    attachments: [...mail.attachments],
    baseBoundary: mail.mailId,
    newline: 'win',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build()
}
