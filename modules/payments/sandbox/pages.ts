import { stripeUnits } from '../provider/currencies.ts'
import type { SandboxCredentials } from './credentials.ts'
import type { PaymentIntent } from './objects.ts'
import type { SandboxProvider } from './provider.ts'

const rowsShown = 30

/** What the sandbox has and how it behaves: for people, without a framework. */
export function sandboxPage(provider: SandboxProvider, credentials: SandboxCredentials, now: number): string {
  const { intents, events, deliveries } = provider.tables
  const { webhooks, rate_limits, faults } = provider.steering
  const newest = <Row>(rows: Map<string, Row>) => [...rows.values()].slice(-rowsShown).reverse()
  const waiting = [...deliveries.values()].filter(delivery => delivery.state === 'waiting').length
  return layout(
    'Payment sandbox',
    `<p>Speaks Stripe’s API and takes no money. Webhooks go to ${credentials.webhook_url === null ? '<em>nobody yet</em>' : `<code>${escaped(credentials.webhook_url)}</code>`}${waiting > 0 ? `; ${waiting} wait to be delivered` : ''}.</p>
<h2>How it behaves</h2>
<div class="buttons">
${steerButton('As it should', { webhooks: { delay_ms: [0, 0], copies: [1, 1], drop_share: 0, reorder_ms: 0, outage: false }, rate_limits: false, faults: [] })}
${steerButton('Webhooks late', { webhooks: { delay_ms: [5000, 30000] } })}
${steerButton('Webhooks twice and out of order', { webhooks: { copies: [2, 3], reorder_ms: 5000 } })}
${steerButton('Half of the webhooks lost', { webhooks: { drop_share: 0.5 } })}
${steerButton('Your endpoint is down', { webhooks: { outage: true } })}
${steerButton('Rate limits', { rate_limits: true })}
${steerButton('Provider gone', { faults: [{ endpoint: 'any', kind: 'error' }] })}
${steerButton('Provider hangs', { faults: [{ endpoint: 'any', kind: 'timeout' }] })}
</div>
<p class="soft">Now: delay ${webhooks.delay_ms.join('–')} ms, copies ${webhooks.copies.join('–')}, lost ${Math.round(webhooks.drop_share * 100)} %,
${webhooks.outage ? 'endpoint down' : 'endpoint up'}, rate limits ${rate_limits ? 'on' : 'off'}, ${faults.length === 0 ? 'no faults' : `faults: ${escaped(faults.map(fault => `${fault.kind} on ${fault.endpoint}`).join(', '))}`}.</p>
<h2>Payments <small>${intents.size}</small></h2>
${
  intents.size === 0
    ? '<p class="soft">None yet. Check out a reservation, and it appears here.</p>'
    : `<div class="scroll"><table><thead><tr><th scope="col">Intent</th><th scope="col" class="number">Amount</th><th scope="col">Status</th><th scope="col">To do</th></tr></thead><tbody>
${newest(intents)
  .map(
    intent =>
      `<tr><td><code>${escaped(intent.id)}</code></td><td class="number">${escaped(money(intent))}</td><td>${escaped(intent.status)}</td><td>${
        intent.status === 'requires_action' ? `<a href="/authenticate/${escaped(intent.id)}">authenticate</a>` : ''
      }</td></tr>`,
  )
  .join('\n')}
</tbody></table></div>`
}
<h2>Events <small>${events.size}</small></h2>
${
  events.size === 0
    ? '<p class="soft">None yet.</p>'
    : `<div class="scroll"><table><thead><tr><th scope="col">Event</th><th scope="col">Of</th><th scope="col" class="number">Seconds ago</th><th scope="col">Webhook</th></tr></thead><tbody>
${newest(events)
  .map(
    event =>
      `<tr><td>${escaped(event.type)}</td><td><code>${escaped(event.data.object.id)}</code></td><td class="number">${Math.max(0, Math.round(now / 1000) - event.created)}</td>
<td><form method="post" action="/sandbox/resend"><input type="hidden" name="event" value="${escaped(event.id)}"><button>Send again</button></form></td></tr>`,
  )
  .join('\n')}
</tbody></table></div>`
}
<script>
for (const button of document.querySelectorAll('[data-steer]'))
  button.addEventListener('click', async () => {
    await fetch('/sandbox/steer', {method: 'POST', body: button.dataset.steer})
    location.reload()
  })
setInterval(() => { if (!document.activeElement || document.activeElement === document.body) location.reload() }, 5000)
</script>`,
  )
}

/** The buyer’s bank, played. */
export function authenticationPage(intent: PaymentIntent | null): string {
  if (intent === null) return layout('No such payment', '<p>There is no such payment in this sandbox.</p>')
  if (intent.status !== 'requires_action')
    return layout(
      'Nothing to confirm',
      `<p>This payment is <strong>${escaped(intent.status)}</strong>. You can close this page.</p>`,
    )
  return layout(
    'Your bank asks',
    `<p>Do you want to pay <strong>${escaped(money(intent))}</strong>? This is a sandbox: no money moves.</p>
<form method="post" class="buttons"><button name="result" value="succeed">Yes, it is me</button> <button name="result" value="fail" class="quiet">No</button></form>`,
  )
}

function steerButton(label: string, body: object): string {
  return `<button type="button" data-steer="${escaped(JSON.stringify(body))}">${label}</button>`
}

function money({ amount, currency }: PaymentIntent): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() })
  return format.format(
    amount / stripeUnits(currency.toUpperCase()) / 10 ** format.resolvedOptions().maximumFractionDigits!,
  )
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function layout(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Holdfast</title>
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 15%, Canvas); --soft: color-mix(in srgb, CanvasText 65%, Canvas) }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem } small, .soft { color: var(--soft); font-weight: normal }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem } th, td { text-align: left; padding: .4rem .5rem; border-bottom: 1px solid var(--line) }
th.number, .number { text-align: right; font-variant-numeric: tabular-nums } code { font-size: .85em; overflow-wrap: anywhere }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem } button { font: inherit; padding: .5rem .9rem; min-height: 2.75rem; border: 1px solid var(--line); border-radius: .4rem; background: Canvas; color: CanvasText; cursor: pointer }
td button { min-height: 2rem; padding: .1rem .6rem } button:hover, button:focus-visible { border-color: CanvasText } .quiet { color: var(--soft) }
</style></head><body><main><h1>${title}</h1>
${body}
</main></body></html>`
}
