import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Command } from 'commander'
import type { Event, SeatMapImported, Venue } from '#contracts/catalog.ts'
import type { Api } from '../api/client.ts'
import { type SignInOptions, signIn, signInHelp, withSignIn } from '../api/sign-in.ts'
import { withCommonOptions } from '../common-options.ts'
import { CommandFailure, usageError } from '../failure.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

type NewVenueOptions = { venueName?: string; city?: string; country?: string; timezone?: string }
type ImportOptions = CommonOptions &
  SignInOptions &
  NewVenueOptions & { venue?: string; event?: string; open?: boolean }

export function addImport(program: Command, perform: Perform): void {
  const command = program
    .command('import')
    .argument('<file>', 'seating plan (.json) or manifest (.csv), - for standard input')
    .summary('bring a seating plan into a running server')
    .description('Bring a seating plan into the catalogue of a running server, and an event on it if you like.')
    .option('--venue <venue_id>', 'venue that the plan belongs to')
    .option('--venue-name <name>', 'or a new venue: its name,')
    .option('--city <city>', '  city,')
    .option('--country <code>', '  country (ISO 3166, such as DE)')
    .option('--timezone <zone>', '  and time zone (IANA, such as Europe/Berlin)')
    .option('--event <file>', 'also make an event: JSON as for POST /v1/events, without venue_id and seatmap_id')
    .option('--open', 'and open its sale at once')
  withSignIn(withCommonOptions(command))
    .addHelpText(
      'after',
      `
The plan is a seating plan in the open JSON format (zones > rows > seats), or a CSV with the columns
section,row,number,x,y,price_level[,attributes]; areas: area,capacity,price_level. All errors are told at once; then nothing is stored.

  holdfast import hall.json --venue-name "Town Hall" --city Bremen --country DE --timezone Europe/Berlin
  holdfast import hall.csv --venue ven_01kacmyxsdpjm5xt88f8cafw5r --event concert.json --open
${signInHelp}`,
    )
    .action((file: string, options: ImportOptions) => perform(options, terminal => importPlan(terminal, file, options)))
}

async function importPlan(terminal: Terminal, file: string, options: ImportOptions): Promise<Report> {
  const plan = await readGiven(terminal, file)
  const event = options.event === undefined ? null : parseEvent(await readGiven(terminal, options.event), options.event)
  const venueId = options.venue ?? newVenue(options)
  if (options.open && event === null) throw new CommandFailure('--open needs an --event to open.', usageError)

  const { server, api } = await signIn(terminal, options)
  const venue = typeof venueId === 'string' ? venueId : await createVenue(api, terminal, venueId)
  const contentType = isCsv(file, plan) ? 'text/csv' : 'application/json'
  const map = await uploadPlan(api, venue, plan, contentType).catch(error => {
    if (typeof venueId !== 'string') terminal.note(`The venue is there now: try again with --venue ${venue}`)
    throw error
  })
  for (const { path, line, message } of map.warnings)
    terminal.note(`warning: ${line === undefined ? path : `line ${line}`}: ${message}`)
  const made =
    event === null ? null : await createEvent(api, { ...event, venue_id: venue, seatmap_id: map.seatmap_id }, options)

  const lines = [
    `Seat map ${map.seatmap_id} of venue ${venue}: ${count(map.seats, 'seat')}, ${count(map.areas, 'area')}, ${count(map.warnings.length, 'warning')}.`,
    ...(made === null
      ? []
      : [`Event ${made.event_id} (${made.slug}) is ${made.status}: ${server}/v1/events/${made.slug}`]),
  ]
  return { text: lines.join('\n'), json: { venue_id: venue, ...map, ...(made !== null && { event: made }) } }
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

async function uploadPlan(api: Api, venue: string, plan: string, contentType: string): Promise<SeatMapImported> {
  const { body } = await api.upload(`/v1/venues/${encodeURIComponent(venue)}/seatmaps`, plan, contentType)
  return body as SeatMapImported
}

async function readGiven(terminal: Terminal, file: string): Promise<string> {
  if (file === '-') return terminal.readInput()
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new CommandFailure(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, usageError, [], {
      cause,
    })
  }
}

function parseEvent(text: string, file: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below.
  }
  throw new CommandFailure(`${file} does not hold a JSON object.`, usageError)
}

/** What the flags say of a new venue; all of it, or what is missing. */
function newVenue({ venueName, city, country, timezone }: NewVenueOptions): Record<string, string> {
  const given = { '--venue-name': venueName, '--city': city, '--country': country, '--timezone': timezone }
  const missing = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [flag] : []))
  if (missing.length === 4)
    throw new CommandFailure(
      'Say where the plan belongs: --venue, or --venue-name, --city, --country and --timezone.',
      usageError,
    )
  if (missing.length > 0) throw new CommandFailure(`A new venue also needs ${missing.join(' and ')}.`, usageError)
  return { name: venueName!, city: city!, country: country!, timezone: timezone! }
}

async function createVenue(api: Api, terminal: Terminal, given: Record<string, string>): Promise<string> {
  const venue = (await api.post('/v1/venues', given)).body as Venue
  terminal.note(`Venue ${venue.venue_id}: ${venue.name}, ${venue.city}`)
  return venue.venue_id
}

async function createEvent(api: Api, given: object, { open }: { open?: boolean }): Promise<Event> {
  const event = (await api.post('/v1/events', given)).body as Event
  if (!open) return event
  await api.post(`/v1/events/${event.event_id}/onsale`, { action: 'open' })
  return { ...event, status: 'onsale' }
}

function isCsv(file: string, text: string): boolean {
  return file === '-' ? !text.trimStart().startsWith('{') : extname(file).toLowerCase() === '.csv'
}
