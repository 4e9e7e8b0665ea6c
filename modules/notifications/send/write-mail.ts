import type { Correspondent, MakeAttachments, OutgoingMail, ReadOrderFacts } from '../ports.ts'
import { renderMail } from '../templates/render-mail.ts'
import type { ClaimedMail } from './mails.sql.ts'

export type WriteMailDeps = {
  facts: ReadOrderFacts
  attachments: MakeAttachments
  from: Correspondent
  publicUrl: () => string
}

export type Written = { ok: true; mail: Omit<OutgoingMail, 'sentAt'> } | { ok: false; reason: string }

/** Writes the mail with what is true now, or says why it should not be sent any more. */
export async function writeMail(mail: ClaimedMail, deps: WriteMailDeps): Promise<Written> {
  const { template, eventId, reservationId } = mail
  const order = await deps.facts({ eventId, reservationId })
  if (order === null) return { ok: false, reason: 'the order is gone' }
  if (order.to.email === null || !isMailAddress(order.to.email)) return { ok: false, reason: 'no mail address' }
  if ('hold_until' in mail.data) {
    // These two speak of something that passes. Late, they would promise seats that are gone, or deny what has come true.
    if (mail.isOvertaken) return { ok: false, reason: 'overtaken by newer news' }
    if ((order.expiresAt ?? Date.parse(mail.data.hold_until)) <= mail.claimedAt)
      return { ok: false, reason: 'the hold has ended' }
  }
  const attachments = await deps.attachments({ eventId, reservationId, template })
  const letter = renderMail({
    template,
    data: mail.data,
    order,
    house: { name: deps.from.name, url: deps.publicUrl() },
    hasAttachments: attachments.length > 0,
  })
  return {
    ok: true,
    mail: {
      mailId: mail.mailId,
      messageId: mail.messageId,
      from: deps.from,
      to: { name: letter.toName, address: order.to.email },
      subject: letter.subject,
      text: letter.text,
      html: letter.html,
      attachments,
    },
  }
}

/** Stricter than RFC 5321, which nobody's address needs: whatever could be read as a second address or a header is none. */
function isMailAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}]+@[^\s@<>()[\]\\,;:"\p{Cc}\p{Cf}]+$/u.test(text)
}
