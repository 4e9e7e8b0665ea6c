import { assert } from '#kernel/assert.ts'
import type { OrderFacts } from '../ports.ts'
import type { MailData, Template } from '../template.ts'
import { htmlOf } from './html-layout.ts'
import { type House, type Letter, letters } from './letters.ts'
import { moneyOf } from './money.ts'
import { oneLine } from './one-line.ts'
import { textOf } from './text-layout.ts'
import { dateTimeOf } from './time.ts'

export type RenderedMail = { toName: string; subject: string; text: string; html: string }

/** What the layouts set: plain text, nothing escaped, each a single line. */
export type Sheet = Omit<Letter, 'subject'> & {
  subject: string
  greeting: string
  event: { name: string; when: string; where: string }
  places: readonly { label: string; amount: string }[]
  total: string
  house: House
}

/** One template with one order, as plain text and as HTML. Pure: the same every time. */
export function renderMail<T extends Template>(writing: {
  template: T
  data: MailData[T]
  order: OrderFacts
  house: House
  hasAttachments: boolean
}): RenderedMail {
  const order = inLines(writing.order)
  const house = { ...writing.house, name: oneLine(writing.house.name) }
  const { listsPlaces, ...letter } = letters[writing.template]({ ...writing, order, house })
  assert(/^https?:\/\/[^\s"<>]+$/.test(letter.action.url), 'a mail links to the web and to nothing else')
  const { name, startsAt, timezone, venue } = order.event
  const sheet: Sheet = {
    ...letter,
    listsPlaces,
    greeting: order.to.name === '' ? 'Hello,' : `Hello ${order.to.name},`,
    event: { name, when: dateTimeOf(startsAt, timezone), where: `${venue.name}, ${venue.city}` },
    places: listsPlaces ? order.items.map(item => ({ ...item, amount: moneyOf(item.amount, order.currency) })) : [],
    total: moneyOf(order.amount, order.currency),
    house,
  }
  return { toName: order.to.name, subject: letter.subject, text: textOf(sheet), html: htmlOf(sheet) }
}

/** The same facts without anything in a name that could leave its line. */
function inLines(order: OrderFacts): OrderFacts {
  const { to, event, items } = order
  return {
    ...order,
    to: { ...to, name: oneLine(to.name, 100) },
    event: {
      ...event,
      name: oneLine(event.name),
      venue: { name: oneLine(event.venue.name), city: oneLine(event.venue.city) },
    },
    items: items.map(item => ({ ...item, label: oneLine(item.label) })),
  }
}
