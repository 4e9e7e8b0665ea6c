import type { Random } from '#kernel/random.ts'
import { mimeOf } from '../mime.ts'
import type { MailTransport } from '../ports.ts'
import { mailboxFolder } from './mailbox-folder.ts'

/** Sends nothing to anybody: mails end in a folder and are looked at in a page. What is used where no mail server is named. */
export function mailboxTransport(options: { folder: string; random: Random }): MailTransport {
  const mailbox = mailboxFolder(options)
  return {
    name: 'mailbox',
    async send(mail) {
      const { mailId, to, subject, text, html, attachments } = mail
      const raw = await mimeOf(mail)
      await mailbox.write({ mailId, to, subject, sentAt: mail.sentAt.getTime(), text, html, attachments }, raw)
    },
    mailbox,
  }
}
