import type { Finding, Rule } from '../judge.ts'
import { lineOf } from '../scan.ts'
import type { Tree } from '../tree.ts'
import { isProduct } from './layers.ts'

/** The trade's words. `event` and `hold` are left out: Node has events, and locks are held. */
const domain = new Set([
  'seat',
  'seats',
  'seatmap',
  'ticket',
  'tickets',
  'reservation',
  'reservations',
  'venue',
  'venues',
  'buyer',
  'buyers',
  'fan',
  'fans',
  'onsale',
  'checkout',
  'payment',
  'payments',
  'refund',
  'refunds',
  'admission',
  'organizer',
  'area',
  'areas',
])

export const wordsOfPlatform: Rule = {
  name: 'words-of-platform',
  because: 'platform/ would serve any product; what knows seats belongs to a module',
  *check(tree: Tree): Iterable<Finding> {
    for (const file of tree.files) {
      if (file.folder !== 'platform' || !isProduct(file)) continue
      for (const [word, index] of wordsOf(file.uncommented))
        if (domain.has(word))
          yield { path: file.path, line: lineOf(file.uncommented, index), what: word, sentence: `speaks of "${word}"` }
    }
  },
}

/** The words of code and strings: `seatNo` is seat and no, `HOLD_LANES` is hold and lanes. */
function* wordsOf(text: string): Iterable<[string, number]> {
  for (const match of text.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)) yield [match[0].toLowerCase(), match.index]
}
