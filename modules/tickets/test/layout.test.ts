import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { importMutant } from '#platform/test-mutant.ts'
import { fitLines } from '../render/fit-lines.ts'
import { ticketPdf } from '../render/ticket-pdf.ts'
import { ticketSvg } from '../render/ticket-svg.ts'
import { aFace } from './faces.ts'

/** As long as the catalogue and the checkout let them be. */
const names = {
  'words without an end': 'Wagnerische '.repeat(17).slice(0, 200),
  'one word': 'W'.repeat(200),
  'signs of East Asia': '東京'.repeat(100),
  'letters with accents': 'Łódź Žižek Ørsted '.repeat(12).slice(0, 200),
}
const longFace = (name: string) =>
  aFace({
    eventName: name,
    holderName: name,
    venue: { name, city: name, country: 'CH' },
    section: name.slice(0, 64),
    row: name.slice(0, 64),
    number: name.slice(0, 64),
  })
const pagesIn = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b/g)!.length

suite('however long the names', () => {
  for (const [what, name] of Object.entries(names)) {
    test(`a ticket is one page: ${what}`, async () => {
      assert.equal(pagesIn(await ticketPdf([longFace(name), longFace(name)])), 2)
    })

    test(`everything is inside of the picture, and the code is where nothing else is: ${what}`, () => {
      const svg = ticketSvg(longFace(name))
      const codeTop = Number(/translate\(\S+ ([\d.]+)\) scale/.exec(svg)![1])
      const texts = [...svg.matchAll(/<text x="\S+" y="([\d.]+)" font-size="([\d.]+)"/g)].map(([, y, size]) => ({
        top: Number(y) - Number(size),
        bottom: Number(y),
      }))
      const quiet = 4 * Number(/scale\(([\d.]+)\)/.exec(svg)![1]) - 0.1
      assert.ok(texts.length > 8)
      for (const { top, bottom } of texts) {
        assert.ok(top >= 0 && bottom <= 640, `a text from ${top} to ${bottom}`)
        assert.ok(
          bottom <= codeTop - quiet || top >= codeTop + 264 + quiet,
          `a text from ${top} to ${bottom}, the code from ${codeTop}`,
        )
      }
    })
  }

  test('without boxes a ticket would go on on further pages', async () => {
    const entry = new URL('../render/ticket-pdf.ts', import.meta.url)
    const mutant = await importMutant<typeof import('../render/ticket-pdf.ts')>(entry, {
      'tickets/render/ticket-pdf.ts': [
        [', { width, height, ellipsis: true, align', ', { width, align'],
        [' ?? sizes.at(-1)!', ' && sizes[0]!'],
      ],
    })
    assert.ok(pagesIn(await mutant.ticketPdf([longFace(names['one word'])])) > 1)
  })
})

test('a picture is XML whatever a name contains', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), name => {
      const svg = ticketSvg(aFace({ eventName: name, holderName: `${name}\u0001\u000b\ufffe]]>` }))
      assert.match(svg, /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u)
      const words = svg.replaceAll(/<(title|desc|text)\b[^>]*>[^<>]*<\/\1>/g, '')
      assert.doesNotMatch(words.replaceAll(/<\/?(svg|g|rect|path)\b[^<>]*>/g, ''), /\S/)
    }),
  )
})

suite('lines', () => {
  const box = { width: 312, sizes: [22, 17, 13, 10], linesMax: 3 }

  test('a short text stands large on one, and a longer one smaller before it is cut', () => {
    assert.deepEqual(fitLines('Nordlicht', box), { size: 22, lines: ['Nordlicht'] })
    assert.ok(fitLines('Nordlicht und Freunde '.repeat(5), box).size < 22)
  })

  test('no word is lost unless an ellipsis says so', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 250 }), text => {
        const { lines } = fitLines(text, box)
        assert.ok(lines.length <= box.linesMax)
        if (!lines.at(-1)!.endsWith('…')) assert.equal(lines.join('').replaceAll(/\s/g, ''), text.replaceAll(/\s/g, ''))
      }),
    )
  })
})
