import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Value } from 'typebox/value'
import { type MessageOf, type MessageType, messages as schemas } from '#contracts/messages.ts'
import { postgresLog } from '#platform/messages/postgres-log.ts'
import { theBeginning } from '#platform/messages/snapshot-cursor.ts'
import { checkoutMessages } from '../messages.ts'
import { openTill, traceparent, turn } from './till.ts'

const till = await openTill()
const log = postgresLog({
  db: till.db,
  expansions: [checkoutMessages({ eventIdOf: async () => 'evt_01m81cwj4req28q4g000003zcp' })],
})

type AnyMessage = { [Name in MessageType]: MessageOf<Name> }[MessageType]

async function toldOf(subject: string): Promise<AnyMessage[]> {
  const { messages } = await log.read(theBeginning, { limit: 10_000 })
  return (messages as unknown as AnyMessage[]).filter(message => JSON.stringify(message.data).includes(subject))
}

test('a sale tells of its payment and of each ticket, once, and every message is of the contract', async () => {
  const order = await till.toPay()
  const declined = till.provider.confirm(order.ref, 'decline')
  const authorized = till.provider.confirm(order.ref, 'authorize')
  await till.deliver(declined, authorized, till.provider.tell('again', order.ref))
  await till.refund(order)
  await turn(till.jobs.refunds)
  const told = await toldOf(order.reservationId)
  assert.deepEqual(told.map(message => message.type).sort(), [
    'PaymentFailed',
    'PaymentRefunded',
    'PaymentSucceeded',
    'RefundRequired',
    'TicketIssued',
    'TicketIssued',
    'TicketVoided',
    'TicketVoided',
  ])
  for (const message of told) assert.ok(Value.Check(schemas[message.type], message), JSON.stringify(message))
  for (const message of told) assert.equal((message as { traceparent?: string }).traceparent, traceparent)
  assert.equal(new Set(told.map(message => message.id)).size, told.length, 'ids are of one message each')
  assert.equal(told.find(message => message.type === 'RefundRequired')!.data.amount, 5000)
})

test('a queued checkout tells so, and when it can be paid', async () => {
  const order = await till.hold()
  till.provider.breakerState = 'open'
  await till.checkOut(order)
  till.provider.breakerState = 'closed'
  await till.advance(10_000)
  await turn(till.jobs.looks)
  const told = await toldOf(order.reservationId)
  assert.deepEqual(
    told.map(message => message.type),
    ['CheckoutQueued', 'CheckoutReady'],
  )
  for (const message of told) assert.ok(Value.Check(schemas[message.type], message), JSON.stringify(message))
})

test('two cards declined one after the other are two messages', async () => {
  const order = await till.toPay()
  const first = till.provider.confirm(order.ref, 'decline')
  await till.deliver(first)
  await till.deliver(till.provider.confirm(order.ref, 'decline'))
  const told = await toldOf(order.reservationId)
  assert.deepEqual(
    told.map(message => message.type),
    ['PaymentFailed', 'PaymentFailed'],
  )
  assert.equal(new Set(told.map(message => message.id)).size, 2)
})
