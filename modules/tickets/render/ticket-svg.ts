import { qrPath } from './qr-path.ts'
import { localTime, placeLines, price, type TicketFace } from './ticket-face.ts'

const width = 360
const height = 640
const charactersALine = 26

/** The ticket as a picture for a phone: nothing is loaded, nothing needs colour, and the code is as large as the screen. */
export function ticketSvg(face: TicketFace): string {
  const places = placeLines(face)
  const title = `${face.isVoid ? 'VOID: ' : ''}Ticket for ${face.eventName}`
  const said = places.map(({ label, value }) => `${label} ${value}`).join(', ')
  const { path, side } = qrPath(face.payload)
  const scale = 264 / side
  const name = lines(face.eventName, charactersALine).slice(0, 3)
  const below = 40 + name.length * 26
  const column = 312 / places.length
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">
<title id="t">${escaped(title)}</title>
<desc id="d">${escaped(`${localTime(face.startsAt, face.timezone)}, ${face.venue.name}, ${face.venue.city}. ${said}. ${face.holderName}. ${price(face)}.`)}</desc>
<rect width="${width}" height="${height}" fill="#fff"/>
<g fill="#000">
${name.map((line, i) => `<text x="24" y="${48 + i * 26}" font-size="22" font-weight="700">${escaped(line)}</text>`).join('\n')}
<text x="24" y="${below + 22}" font-size="14">${escaped(localTime(face.startsAt, face.timezone))}</text>
<text x="24" y="${below + 42}" font-size="14">${escaped(`${face.venue.name}, ${face.venue.city}`)}</text>
${places
  .map(
    ({ label, value }, i) =>
      `<text x="${24 + i * column}" y="${below + 74}" font-size="11">${label}</text><text x="${24 + i * column}" y="${below + 100}" font-size="${value.length > 8 ? 16 : 24}" font-weight="700">${escaped(value)}</text>`,
  )
  .join('\n')}
<g transform="translate(48 ${below + 122}) scale(${scale.toFixed(4)})"><path d="${path}" shape-rendering="crispEdges"/></g>
<text x="24" y="${height - 48}" font-size="13">${escaped(face.holderName)}</text>
<text x="336" y="${height - 48}" font-size="13" text-anchor="end">${escaped(price(face))}</text>
<text x="24" y="${height - 26}" font-size="10">${escaped(face.ticketId)}</text>
</g>
${face.isVoid ? `<g transform="rotate(-30 180 320)"><rect x="30" y="270" width="300" height="90" fill="#fff" stroke="#000" stroke-width="6"/><text x="180" y="340" font-size="72" font-weight="900" text-anchor="middle">VOID</text></g>` : ''}
</svg>`
}

/** Words in lines of about so many characters. */
function lines(text: string, most: number): string[] {
  const made: string[] = ['']
  for (const word of text.split(/\s+/)) {
    const last = made.at(-1)!
    if (last !== '' && last.length + 1 + word.length > most) made.push(word)
    else made[made.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return made
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
