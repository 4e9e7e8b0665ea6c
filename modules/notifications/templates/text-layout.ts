import type { Sheet } from './render-mail.ts'

/** For programs that show no HTML, and for whoever reads mails aloud. */
export function textOf(sheet: Sheet): string {
  const { event, places, house } = sheet
  const blocks = [
    sheet.title.toUpperCase(),
    sheet.greeting,
    sheet.what,
    `${event.name}\n${event.when}\n${event.where}`,
    places.length > 0 &&
      [...places.map(({ label, amount }) => `- ${label}: ${amount}`), `Total: ${sheet.total}`].join('\n'),
    `Your money: ${sheet.money}`,
    `Your seats: ${sheet.seats}`,
    `What to do: ${sheet.next}`,
    `${sheet.action.label}:\n${sheet.action.url}`,
    // The line that mail programs know a signature by; its blank belongs to it.
    `-- \n${house.name}\n${house.url}`,
  ]
  return `${blocks.filter(block => block !== false).join('\n\n')}\n`
}
