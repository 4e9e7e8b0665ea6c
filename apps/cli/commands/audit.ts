import type { Command } from 'commander'
import type { EventList } from '#contracts/catalog.ts'
import type { Api } from '../api/client.ts'
import { type SignInOptions, signIn, signInHelp, withSignIn } from '../api/sign-in.ts'
import { withCommonOptions } from '../common-options.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

/** What `GET /v1/events/{id}/audit` answers, as far as the table shows it. */
type Audit = {
  capacity: number
  available: number
  held: number
  reserved: number
  sold: number
  blocked: number
  balanced: boolean
  oversold: number
  discrepancies: unknown[]
}
type Audited = { event_id: string; name: string; audit: Audit }

const columns = ['capacity', 'available', 'held', 'reserved', 'sold', 'blocked', 'oversold'] as const

export function addAudit(program: Command, perform: Perform): void {
  withSignIn(withCommonOptions(program.command('audit')))
    .argument('[event...]', 'ids of events; all that the public can see if none is named')
    .summary('count every seat and see that the books balance')
    .description('Count every seat of an event from the tables themselves and see that the books balance.')
    .addHelpText(
      'after',
      `
Exit code 1 when an event does not balance, is oversold, or has discrepancies.

  holdfast audit
  holdfast audit evt_01kacmyxsdpjm5xt88f8cafw5r --json
${signInHelp}`,
    )
    .action((events: string[], options: CommonOptions & SignInOptions) =>
      perform(options, terminal => audit(terminal, events, options)),
    )
}

async function audit(terminal: Terminal, named: string[], options: SignInOptions): Promise<Report> {
  const { api } = await signIn(terminal, options)
  const events = named.length > 0 ? named.map(id => ({ event_id: id, name: id })) : await publicEvents(api)
  const audited: Audited[] = []
  for (const { event_id, name } of events) {
    const { body } = await api.get(`/v1/events/${encodeURIComponent(event_id)}/audit`)
    audited.push({ event_id, name, audit: body as Audit })
  }
  const wrong = audited.filter(({ audit }) => !isClean(audit))
  const verdict =
    wrong.length === 0
      ? `${audited.length} ${audited.length === 1 ? 'event balances' : 'events balance'}.`
      : `${wrong.length} of ${audited.length} events do not balance: ${wrong.map(({ event_id }) => event_id).join(', ')}`
  return {
    text: audited.length === 0 ? 'There is no event.' : `${table(audited)}\n\n${verdict}`,
    json: { clean: wrong.length === 0, events: audited },
    failed: wrong.length > 0,
  }
}

async function publicEvents(api: Api): Promise<{ event_id: string; name: string }[]> {
  const events: EventList['items'] = []
  let cursor: string | null = null
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await api.get(`/v1/events?limit=100${after}`)).body as EventList
    events.push(...page.items)
    cursor = page.next_cursor
  } while (cursor !== null)
  return events
}

function isClean({ balanced, oversold, discrepancies }: Audit): boolean {
  return balanced && oversold === 0 && discrepancies.length === 0
}

function table(audited: Audited[]): string {
  const rows = audited.map(({ name, audit }) => [
    name.slice(0, 40),
    ...columns.map(column => String(audit[column])),
    isClean(audit) ? 'balanced' : 'WRONG',
  ])
  const all = [['event', ...columns, 'books'], ...rows]
  const widths = all[0]!.map((_, i) => Math.max(...all.map(row => row[i]!.length)))
  const cell = (text: string, i: number) =>
    i === 0 || i === widths.length - 1 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)
  return all.map(row => row.map(cell).join('  ').trimEnd()).join('\n')
}
