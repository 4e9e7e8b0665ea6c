import { printable } from './printable.ts'
import { qrPath, runsOf } from './qr-path.ts'
import { localTime, placeLines, price, type TicketFace } from './ticket-face.ts'

const left = 56
const right = 595 - 56
const codeSide = 220

/** Tickets to print, one A4 page each; needs no colour. The same tickets make the same bytes. */
export async function ticketPdf(faces: readonly TicketFace[]): Promise<Buffer> {
  // Loaded by the first who asks: it is 10 MB, and most processes never print.
  const { default: PDFDocument } = await import('pdfkit')
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
  const wide = right - left
  const beside = { x: left + codeSide + 32, width: wide - codeSide - 32 }

  let y = write(document, face.eventName, {
    x: left,
    y: 64,
    width: wide,
    height: 96,
    sizes: [26, 20, 15, 11],
    bold: true,
  })
  y = write(document, localTime(face.startsAt, face.timezone), {
    x: left,
    y: y + 6,
    width: wide,
    height: 16,
    sizes: [13],
  })
  if (face.doorsAt !== null) {
    const doors = `Doors ${localTime(face.doorsAt, face.timezone)}`
    y = write(document, doors, { x: left, y, width: wide, height: 14, sizes: [11] })
  }
  const where = `${face.venue.name}, ${face.venue.city}, ${face.venue.country}`
  y = write(document, where, { x: left, y, width: wide, height: 34, sizes: [13, 10, 8] })

  const places = placeLines(face)
  const top = y + 24
  const column = wide / places.length
  for (const [i, { label, value }] of places.entries()) {
    const box = { x: left + i * column, width: column - 8 }
    write(document, label, { ...box, y: top, height: 14, sizes: [11] })
    write(document, value, { ...box, y: top + 16, height: 64, sizes: [30, 18, 12, 9], bold: true })
  }

  const codeTop = top + 90
  drawCode(document, face.payload, left, codeTop)
  y = write(document, face.holderName, { ...beside, y: codeTop, height: 120, sizes: [13, 10, 8] })
  write(document, price(face), { ...beside, y: y + 4, height: 16, sizes: [13] })
  y = write(document, face.ticketId, { x: left, y: codeTop + codeSide + 24, width: wide, height: 12, sizes: [9] })
  const advice = 'Show this code at the door, printed or on a phone. It opens the door once: keep it to yourself.'
  write(document, advice, { x: left, y: y + 8, width: wide, height: 26, sizes: [10] })
  if (face.isVoid) {
    document.save().rotate(-25, { origin: [297, codeTop + 90] })
    document
      .rect(147, codeTop + 40, 300, 100)
      .lineWidth(6)
      .fillAndStroke('#fff', '#000')
    write(document, 'VOID', {
      x: 147,
      y: codeTop + 58,
      width: 300,
      height: 90,
      sizes: [72],
      bold: true,
      align: 'center',
    })
    document.restore()
  }
}

type Box = {
  x: number
  y: number
  width: number
  height: number
  sizes: readonly number[]
  bold?: boolean
  align?: 'center'
}

/**
 * Writes a text in the first size at which it fits its box, and where it fits at none in the last, with an ellipsis; gives where it ends.
 * A text that has no box goes on on a page of its own, and one ticket is one page.
 */
function write(document: PDFKit.PDFDocument, words: string, { x, y, width, height, sizes, bold, align }: Box): number {
  const text = printable(words)
  document.font(bold ? 'Helvetica-Bold' : 'Helvetica').fillColor('#000')
  const size = sizes.find(size => document.fontSize(size).heightOfString(text, { width }) <= height) ?? sizes.at(-1)!
  document.fontSize(size).text(text, x, y, { width, height, ellipsis: true, align: align ?? 'left' })
  return document.y
}

function drawCode(document: PDFKit.PDFDocument, payload: string, x: number, y: number): void {
  const { rows, side } = qrPath(payload)
  const unit = codeSide / side
  for (const [row, modules] of rows.entries())
    for (const [from, length] of runsOf(modules)) document.rect(x + from * unit, y + row * unit, length * unit, unit)
  document.fill('#000')
}
