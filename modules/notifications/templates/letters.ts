import { assert } from '#kernel/assert.ts'
import type { OrderFacts } from '../ports.ts'
import type { MailData, Template } from '../template.ts'
import { moneyOf } from './money.ts'
import { deadlineOf } from './time.ts'

/** What every mail must say, each in a sentence or two of plain text. */
export type Letter = {
  /** What happened, first. */
  subject: string
  title: string
  what: string
  money: string
  seats: string
  next: string
  action: { label: string; url: string }
  /** Whether it lists the places and their prices: only where they are, or can still become, the reader's. */
  listsPlaces: boolean
}

export type House = { name: string; url: string }

type Writing<T extends Template> = { order: OrderFacts; data: MailData[T]; house: House; hasAttachments: boolean }

/** The words of all mails. */
export const letters: { [T in Template]: (writing: Writing<T>) => Letter } = {
  tickets: writing => ({
    subject: `Your tickets for ${writing.order.event.name}`,
    title: 'Your tickets are here',
    what: 'Thank you. Your order is complete.',
    money: charged(writing.order),
    seats: 'The places listed above are yours.',
    ...toTheDoor(writing),
  }),

  'late-payment-kept': writing => ({
    subject: `Your payment came late, and you keep your seats: ${writing.order.event.name}`,
    title: 'Late, but just in time',
    what: 'Your payment reached us after the hold on your seats had ended. The very same seats were still free, so we gave them to you.',
    money: charged(writing.order),
    seats: 'The places listed above are yours.',
    ...toTheDoor(writing),
  }),

  'late-payment-refunded': ({ order, data }) => ({
    subject: `Your payment came too late and goes back to you: ${order.event.name}`,
    title: 'Your payment came too late',
    what: seatsWereGone,
    money: `All of it, ${moneyOf(data.amount, data.currency)}, goes back to where it came from. We have started the refund; ${banksTime}.`,
    seats: 'You have no seats from this order.',
    next: 'You need not do anything. We write again when the refund has gone through.',
    ...toTheOrder(order),
  }),

  'refund-started': ({ order, data }) => ({
    subject:
      data.reason === 'event-cancelled'
        ? `Cancelled, and your money goes back to you: ${order.event.name}`
        : `Your refund has started: ${order.event.name}`,
    title: data.reason === 'event-cancelled' ? 'The event is cancelled' : 'Your refund has started',
    what: refundReasons[data.reason] ?? 'We have started a refund for your order.',
    money: `${moneyOf(data.amount, data.currency)} goes back to where it came from; ${banksTime}.`,
    seats: 'Tickets that were paid with this money are no longer valid.',
    next: 'You need not do anything. We write again when the refund has gone through.',
    ...toTheOrder(order),
  }),

  'refund-done': ({ order, data }) => ({
    subject: `Refunded, ${moneyOf(data.amount, data.currency)}: ${order.event.name}`,
    title: 'Your refund has gone through',
    what: 'The refund for your order has been paid out.',
    money: `${moneyOf(data.amount, data.currency)} is on the way to where it came from; ${banksTime}.`,
    seats: 'Tickets that were paid with this money are no longer valid.',
    next: 'You need not do anything. If the money has not arrived in two weeks, ask your bank first, then us.',
    ...toTheOrder(order),
  }),

  'checkout-queued': ({ order, data }) => ({
    subject: `Your seats are kept, you can pay soon: ${order.event.name}`,
    title: 'We keep your seats',
    what: 'Our payment provider cannot be reached at the moment, so you could not pay yet. That is not your fault.',
    money: 'Nothing has been charged.',
    seats: `The places listed above are kept for you until ${keptUntil(order, data)}.`,
    next: 'You need not do anything now. We write to you as soon as you can pay.',
    action: { label: 'Look at your order', url: order.accessUrl },
    listsPlaces: true,
  }),

  'checkout-ready': ({ order, data }) => ({
    subject: `You can pay now: ${order.event.name}`,
    title: 'You can pay now',
    what: 'Our payment provider is back.',
    money: `Nothing has been charged yet. You pay ${moneyOf(order.amount, order.currency)}.`,
    seats: `The places listed above are kept for you until ${keptUntil(order, data)}.`,
    next: 'Please pay before then. After that, others can buy these seats.',
    action: { label: 'Pay now', url: order.accessUrl },
    listsPlaces: true,
  }),

  'payment-failed': ({ order, data, house }) => ({
    ...(paymentEnds[data.reason] ?? refusedByBank)(order),
    money: 'Nothing was charged. If your bank shows an amount as pending, it disappears by itself.',
    action: { label: 'See what is free', url: house.url },
    listsPlaces: false,
  }),
}

const paymentEnds: Record<string, (order: OrderFacts) => ReturnType<typeof refusedByBank>> = {
  late: tooLateToTake,
  'event-cancelled': order => ({
    subject: `Cancelled, and your payment was not taken: ${order.event.name}`,
    title: 'The event is cancelled',
    what: 'The event was cancelled before we collected your payment. We are sorry.',
    seats: 'You have no seats from this order.',
    next: 'You need not do anything.',
  }),
  'queue-ended': order => ({
    subject: `We could not take your payment in time: ${order.event.name}`,
    title: 'We could not take your payment in time',
    what: 'Our payment provider could not be reached until the time that we had kept your seats for was over. That is not your fault, and we are sorry.',
    seats: 'Your seats are free again, and you have none from this order.',
    next: 'If you still want to come, choose seats again.',
  }),
}

function refusedByBank(order: OrderFacts) {
  return {
    subject: `Your payment did not go through: ${order.event.name}`,
    title: 'Your payment did not go through',
    what: 'Your bank agreed to the payment at first and refused it when we collected it.',
    seats: 'Your seats are free again, and you have none from this order.',
    next: 'If you still want to come, choose seats again and pay with another card.',
  }
}

function tooLateToTake(order: OrderFacts) {
  return {
    subject: `Your payment came too late and was not taken: ${order.event.name}`,
    title: 'Your payment came too late',
    what: seatsWereGone,
    seats: 'You have no seats from this order.',
    next: 'If you still want to come, choose seats again.',
  }
}

const seatsWereGone =
  'Your payment reached us after the hold on your seats had ended, and by then we could no longer give them to you. We are sorry.'

const banksTime = 'most banks show it within ten working days'

const refundReasons: Record<string, string> = {
  requested: 'We have started the refund that was asked for.',
  'event-cancelled': 'The event has been cancelled. We are sorry.',
  mismatch: 'What was charged did not match your order, so we give it back.',
}

function charged(order: OrderFacts): string {
  return order.amount === 0 ? 'Nothing was charged.' : `${moneyOf(order.amount, order.currency)} was charged.`
}

function toTheDoor({ order, hasAttachments }: { order: OrderFacts; hasAttachments: boolean }) {
  return {
    next: hasAttachments
      ? 'Your tickets are attached. Bring them to the door, on your phone or on paper.'
      : 'Open your tickets with the link below and bring them to the door, on your phone or on paper.',
    action: { label: 'Open your tickets', url: order.accessUrl },
    listsPlaces: true,
  }
}

function toTheOrder(order: OrderFacts) {
  return { action: { label: 'Look at your order', url: order.accessUrl }, listsPlaces: false }
}

/** The end of the hold as it is now; it may have been moved since the message. */
function keptUntil(order: OrderFacts, data: MailData['checkout-ready']): string {
  const until = order.expiresAt ?? Date.parse(data.hold_until)
  assert(!Number.isNaN(until), 'hold_until of a message is a time')
  return deadlineOf(until, order.event.timezone)
}
