import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { MailData, Template } from '../template.ts'
import { moneyOf } from '../templates/money.ts'
import { renderMail } from '../templates/render-mail.ts'
import { dateTimeOf, deadlineOf } from '../templates/time.ts'
import { anOrder, house } from './orders.ts'

const refund = { amount: 9800, currency: 'EUR', reason: 'late-payment' }
const kept = { hold_until: '2026-11-20T18:10:00.000Z' }
const data: MailData = {
  tickets: {},
  'late-payment-kept': {},
  'late-payment-refunded': refund,
  'refund-started': { ...refund, amount: 4900, reason: 'requested' },
  'refund-done': { ...refund, amount: 4900, reason: 'requested' },
  'checkout-queued': kept,
  'checkout-ready': kept,
  'payment-failed': { reason: 'capture-refused' },
}
const templates = Object.keys(data) as Template[]
const render = <T extends Template>(template: T, order = anOrder(), told: MailData[T] = data[template]) =>
  renderMail({ template, data: told, order, house, hasAttachments: template === 'tickets' })

// `node --test-update-snapshots modules/notifications/test/render-mail.test.ts` writes them anew.
const asIs = { serializers: [(text: unknown) => String(text)] }
const pathOf = (name: string) => join(import.meta.dirname, 'mails', name)

for (const template of templates) {
  test(`the words of ${template} are the ones we agreed on`, t => {
    const { subject, text } = render(template)
    t.assert.fileSnapshot(`Subject: ${subject}\n\n${text}`, pathOf(`${template}.txt`), asIs)
  })
}

test('the HTML of a mail looks as agreed', t => {
  t.assert.fileSnapshot(render('tickets').html, pathOf('tickets.html.txt'), asIs)
})

test('every mail says what happened, what of the money and the seats, and what to do, in both forms', () => {
  for (const template of templates) {
    const { subject, text, html } = render(template)
    for (const words of ['Your money', 'Your seats', 'What to do', 'Night of the Long Notes', 'Hello Ada Lovelace']) {
      assert.ok(text.includes(words), `${template} as text says "${words}"`)
      assert.ok(html.includes(words), `${template} as HTML says "${words}"`)
    }
    assert.ok(subject.length <= 90, `the subject of ${template} can be read on a telephone`)
    assert.doesNotMatch(subject, /^(Night|Holdfast)/, `the subject of ${template} begins with what happened`)
    assert.doesNotMatch(html, /<script|<img|src=|@import|url\(/i, `${template} fetches nothing`)
  }
})

test('names stay text, whatever is in them', () => {
  const name = `<b>"O'Brien"&</b>`
  const order = anOrder({ to: { email: 'o@example.org', name } })
  order.event = { ...order.event, name: `<script>alert(1)</script>`, venue: { name: '<i>Hall', city: '"&"' } }
  order.items = [{ label: '<u>1</u>', amount: 1 }]
  for (const template of templates) {
    const { html, text, toName } = render(template, order)
    assert.ok(html.includes('Hello &lt;b&gt;&quot;O&#39;Brien&quot;&amp;&lt;/b&gt;,'), template)
    assert.doesNotMatch(html, /<(script|b|i|u)>/, template)
    assert.ok(text.includes(`Hello ${name},`), template)
    assert.equal(toName, name)
  }
})

test('a name cannot begin a new line, of a header or of the text', () => {
  const order = anOrder({ to: { email: 'o@example.org', name: 'Eve\r\nBcc: everybody@example.org\u2028x\u202egnp' } })
  order.event = { ...order.event, name: 'Show\r\n\r\n<p>Send your card number to …' }
  const { subject, text, toName } = render('tickets', order)
  assert.equal(toName, 'Eve Bcc: everybody@example.org xgnp')
  assert.equal(subject, 'Your tickets for Show <p>Send your card number to …')
  assert.match(text, /^Hello Eve Bcc: everybody@example\.org xgnp,$/m)
})

test('a link that is not of the web is a bug, not a link', () => {
  assert.throws(() => render('tickets', anOrder({ accessUrl: 'javascript:alert(1)' })), /links to the web/)
})

test('money has as many decimals as its currency', () => {
  assert.deepEqual(
    [moneyOf(4900, 'EUR'), moneyOf(4900, 'JPY'), moneyOf(4900, 'BHD'), moneyOf(5, 'USD'), moneyOf(123456789, 'CLP')],
    ['€49.00', '¥4,900', 'BHD\u00a04.900', '$0.05', 'CLP\u00a0123,456,789'],
  )
})

test('times are those of the venue, and say of which zone', () => {
  const at = Date.UTC(2026, 6, 1, 23, 30)
  assert.equal(dateTimeOf(at, 'Europe/Berlin'), 'Thursday 2 July 2026, 01:30 CEST')
  assert.equal(dateTimeOf(at, 'America/New_York'), 'Wednesday 1 July 2026, 19:30 GMT-4')
  assert.equal(deadlineOf(at, 'Asia/Kolkata'), '05:00 GMT+5:30 on Thursday 2 July')
})

test('the end of a hold is the one of now, if it was moved since the message', () => {
  const { text } = render('checkout-ready', anOrder({ expiresAt: Date.UTC(2026, 10, 20, 18, 25) }))
  assert.match(text, /until 19:25 CET on Friday 20 November\./)
})

test('a cancelled event and an unknown reason have words of their own', () => {
  const cancelled = render('refund-started', anOrder(), { ...refund, reason: 'event-cancelled' })
  assert.match(cancelled.subject, /^Cancelled/)
  const unknown = render('refund-started', anOrder(), { ...refund, reason: 'something-new' })
  assert.match(unknown.text, /We have started a refund for your order\./)
})

test('a late payment that was never taken is not blamed on the bank', () => {
  const { subject, text } = render('payment-failed', anOrder(), { reason: 'late' })
  assert.match(subject, /^Your payment came too late and was not taken/)
  assert.match(text, /Nothing was charged\./)
  assert.doesNotMatch(text, /refused|another card/)
})

test('what cost nothing is not said to have been charged', () => {
  assert.match(render('tickets', anOrder({ amount: 0, items: [] })).text, /Nothing was charged\./)
})
