import PDFDocument from 'pdfkit'
import { printable } from './printable.ts'
import { qrPath, runsOf } from './qr-path.ts'
import { localTime, placeLines, price, type TicketFace } from './ticket-face.ts'

const left = 56
const right = 595 - 56
const codeSide = 220

/** Tickets to print, one A4 page each; needs no colour. The same tickets make the same bytes. */
export function ticketPdf(faces: readonly TicketFace[]): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const document = new PDFDocument({
    size: 'A4',
    margin: left,
    autoFirstPage: false,
    lang: 'en',
    info: {
      Title: 'Tickets',
      Producer: 'Holdfast',
      Creator: 'Holdfast',
      CreationDate: new Date(faces[0]?.startsAt ?? 0),
    },
  })
  const chunks: Buffer[] = []
  document.on('data', chunk => chunks.push(chunk))
  document.on('end', () => resolve(Buffer.concat(chunks)))
  document.on('error', reject)
  for (const face of faces) drawPage(document, face)
  document.end()
  return promise
}

function drawPage(document: PDFKit.PDFDocument, face: TicketFace): void {
  document.addPage()
  const text = (
    words: string,
    x: number,
    y: number,
    size: number,
    options: { bold?: boolean; width?: number; align?: 'right' } = {},
  ) =>
    document
      .font(options.bold ? 'Helvetica-Bold' : 'Helvetica')
      .fontSize(size)
      .fillColor('#000')
      .text(printable(words), x, y, { width: options.width ?? right - left, align: options.align ?? 'left' })

  text(face.eventName, left, 64, 26, { bold: true })
  document.moveDown(0.3)
  text(localTime(face.startsAt, face.timezone), left, document.y, 13)
  if (face.doorsAt !== null) text(`Doors ${localTime(face.doorsAt, face.timezone)}`, left, document.y, 11)
  text(`${face.venue.name}, ${face.venue.city}, ${face.venue.country}`, left, document.y, 13)

  const places = placeLines(face)
  const top = document.y + 24
  const column = (right - left) / places.length
  for (const [i, { label, value }] of places.entries()) {
    text(label, left + i * column, top, 11, { width: column - 8 })
    text(value, left + i * column, top + 16, value.length > 10 ? 18 : 30, { bold: true, width: column - 8 })
  }

  const codeTop = top + 90
  drawCode(document, face.payload, left, codeTop)
  text(face.holderName, left + codeSide + 32, codeTop, 13, { width: right - left - codeSide - 32 })
  text(price(face), left + codeSide + 32, document.y + 4, 13, { width: right - left - codeSide - 32 })
  text(face.ticketId, left, codeTop + codeSide + 20, 9)
  text(
    'Show this code at the door, printed or on a phone. It opens the door once: keep it to yourself.',
    left,
    document.y + 8,
    10,
  )
  if (face.isVoid) {
    document.save().rotate(-25, { origin: [297, codeTop + 90] })
    document
      .rect(147, codeTop + 40, 300, 100)
      .lineWidth(6)
      .fillAndStroke('#fff', '#000')
    text('VOID', 147, codeTop + 58, 72, { bold: true, width: 300 })
    document.restore()
  }
}

function drawCode(document: PDFKit.PDFDocument, payload: string, x: number, y: number): void {
  const { rows, side } = qrPath(payload)
  const unit = codeSide / side
  for (const [row, modules] of rows.entries())
    for (const [from, length] of runsOf(modules)) document.rect(x + from * unit, y + row * unit, length * unit, unit)
  document.fill('#000')
}
