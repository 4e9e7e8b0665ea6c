import { fitLines } from './fit-lines.ts'
import { qrPath } from './qr-path.ts'
import { localTime, placeLines, price, type TicketFace } from './ticket-face.ts'

const width = 360
const height = 640
const left = 24
const right = width - left
const codeSide = 264
/** ISO/IEC 18004: so much stays empty around a code, or scanners look for it in vain. */
const quietModules = 4

/** The ticket as a picture for a phone: nothing is loaded, nothing needs colour, and the code is as large as the screen. */
export function ticketSvg(face: TicketFace): string {
  const places = placeLines(face)
  const when = localTime(face.startsAt, face.timezone)
  const where = `${face.venue.name}, ${face.venue.city}`
  const title = `${face.isVoid ? 'VOID: ' : ''}Ticket for ${face.eventName}`
  const said = places.map(({ label, value }) => `${label} ${value}`).join(', ')
  const all = right - left

  const name = block(face.eventName, { y: 26, width: all, sizes: [22, 17, 13, 10], linesMax: 3, bold: true })
  const time = block(when, { y: name.below + 4, width: all, sizes: [14, 12], linesMax: 1 })
  const venue = block(where, { y: time.below, width: all, sizes: [14, 11, 9], linesMax: 2 })
  const column = all / places.length
  const boxes = places.map(({ label, value }, i) => {
    const x = left + i * column
    const head = block(label, { x, y: venue.below + 8, width: column, sizes: [11], linesMax: 1 })
    const sizes = [24, 16, 12, 9]
    const values = block(value, { x, y: head.below, width: column - 8, sizes, linesMax: 3, bold: true })
    return { svg: head.svg + values.svg, below: values.below }
  })
  const { path, side } = qrPath(face.payload)
  const quiet = (quietModules * codeSide) / side
  const codeTop = Math.max(...boxes.map(box => box.below)) + quiet
  const holder = block(face.holderName, { y: codeTop + codeSide + quiet, width: all, sizes: [13, 11, 9], linesMax: 4 })

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">
<title id="t">${escaped(title)}</title>
<desc id="d">${escaped(`${when}, ${where}. ${said}. ${face.holderName}. ${price(face)}.`)}</desc>
<rect width="${width}" height="${height}" fill="#fff"/>
<g fill="#000">
${[name.svg, time.svg, venue.svg, ...boxes.map(box => box.svg)].join('\n')}
<g transform="translate(${(width - codeSide) / 2} ${codeTop}) scale(${(codeSide / side).toFixed(4)})"><path d="${path}" shape-rendering="crispEdges"/></g>
${holder.svg}
<text x="${left}" y="${height - 18}" font-size="10">${escaped(face.ticketId)}</text>
<text x="${right}" y="${height - 18}" font-size="13" text-anchor="end">${escaped(price(face))}</text>
</g>
${face.isVoid ? `<g transform="rotate(-30 180 320)"><rect x="30" y="270" width="300" height="90" fill="#fff" stroke="#000" stroke-width="6"/><text x="180" y="340" font-size="72" font-weight="900" text-anchor="middle">VOID</text></g>` : ''}
</svg>`
}

type Block = { x?: number; y: number; width: number; sizes: readonly number[]; linesMax: number; bold?: boolean }

/** A text from `y` downwards, and where it ends. */
function block(text: string, { x = left, y, bold, ...box }: Block): { svg: string; below: number } {
  const { size, lines } = fitLines(text, box)
  const leading = size * 1.2
  const weight = bold ? ' font-weight="700"' : ''
  const svg = lines.map(
    (line, i) =>
      `<text x="${x.toFixed(1)}" y="${(y + size + i * leading).toFixed(1)}" font-size="${size}"${weight}>${escaped(line)}</text>`,
  )
  return { svg: svg.join(''), below: y + lines.length * leading + 2 }
}

/** As XML takes it; of a control character, which XML has no way to write, a space is left. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
