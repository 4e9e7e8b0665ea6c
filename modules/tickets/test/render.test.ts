import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import decodeQR from 'qr/decode.js'
import { verifyTicket } from '../code/ticket-code.ts'
import { printable } from '../render/printable.ts'
import { price } from '../render/ticket-face.ts'
import { ticketPdf } from '../render/ticket-pdf.ts'
import { ticketSvg } from '../render/ticket-svg.ts'
import { aFace, doorKeys, imageOf } from './faces.ts'

test('the code in the picture is read by a scanner and is genuine', () => {
  const face = aFace()
  const svg = ticketSvg(face)
  const dark = new Set<string>()
  const path = /<path d="([^"]+)"/.exec(svg)![1]!
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)/g))
    for (let i = 0; i < Number(length); i++) dark.add(`${Number(x) + i} ${y}`)
  const side = Math.max(...[...dark].map(module => Number(module.split(' ')[0]))) + 1
  const read = decodeQR(imageOf((x, y) => dark.has(`${x} ${y}`), side))
  assert.equal(read, face.payload)
  assert.equal(verifyTicket(read, doorKeys).ok, true)
})

test('the picture says everything in words, and what a name contains stays words', () => {
  const svg = ticketSvg(aFace())
  assert.match(svg, /<title id="t">Ticket for Nordlicht &amp; Freunde<\/title>/)
  assert.match(svg, /Section A, Row 12, Seat 7/)
  assert.match(svg, /20:00 CEST/)
  assert.match(svg, /Łódź &lt;b&gt;&quot;O’Brien&quot;&lt;\/b&gt;/)
  assert.doesNotMatch(svg, /<b>|https?:\/\/(?!www\.w3\.org)/)
  assert.doesNotMatch(svg, /VOID/)
  assert.match(ticketSvg(aFace({ isVoid: true })), />VOID</)
})

test('a page to print has the words, one page a ticket, and the same tickets make the same bytes', async () => {
  const faces = [aFace(), aFace({ section: null, row: null, number: null, areaId: 'Floor', isVoid: true })]
  const pdf = await ticketPdf(faces)
  const text = textOf(pdf)
  for (const word of [
    'Nordlicht & Freunde',
    '20:00 CEST',
    'Halle 622, Zürich',
    'Section',
    'Row',
    'Seat',
    '12',
    'CHF 49.50',
    'Area',
    'Floor',
    'VOID',
  ])
    assert.ok(text.includes(word), `${word} is missing in: ${text}`)
  assert.ok(text.includes('Lódz <b>"O’Brien"</b>'), text)
  assert.equal(pdf.toString('latin1').match(/\/Type \/Page\b/g)!.length, 2)
  assert.deepEqual(await ticketPdf(faces), pdf)
})

test('a price has the decimals of its currency', () => {
  assert.equal(price(aFace({ amount: 5000, currency: 'JPY' })), 'JPY 5,000')
  assert.equal(price(aFace({ amount: 5000, currency: 'KWD' })), 'KWD 5.000')
})

test('what the fonts of a page cannot show is spelled without accents, or marked', () => {
  assert.equal(printable('Žižek Ørsted Łódź Ğ 東京 €'), 'Žižek Ørsted Lódz G ?? €')
})

/** The words of a PDF in order: streams inflated, strings of Tj and TJ decoded from WinAnsi. */
function textOf(pdf: Buffer): string {
  const latin = pdf.toString('latin1')
  const found: string[] = []
  for (const { index, 0: head } of latin.matchAll(/stream\r?\n/g)) {
    const start = index + head.length
    const end = latin.indexOf('endstream', start)
    let content = ''
    try {
      content = inflateSync(pdf.subarray(start, end)).toString('latin1')
    } catch {
      continue // not compressed, or no text
    }
    for (const [, array] of content.matchAll(/\[(.*?)\]\s*TJ/g)) {
      const bytes = [...array!.matchAll(/<([0-9a-f]*)>/gi)].map(([, hex]) => Buffer.from(hex!, 'hex'))
      found.push(new TextDecoder('windows-1252').decode(Buffer.concat(bytes)))
    }
  }
  return found.join('\n')
}
