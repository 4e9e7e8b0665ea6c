import { generateKeyPairSync } from 'node:crypto'
import { systemClock as clock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { payloadOf, signTicket } from '../code/ticket-code.ts'
import type { TicketFace } from '../render/ticket-face.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
export const doorKeys = new Map([[1, publicKey]])

/** A ticket with a name that tries things. */
export function aFace(changes: Partial<TicketFace> = {}): TicketFace {
  const code = {
    keyNumber: 1,
    eventNo: 1,
    place: { seatNo: 4 },
    ticketId: newId('tkt', { clock, random: systemRandom() }, 1),
    generation: 1,
  }
  return {
    eventName: 'Nordlicht & Freunde',
    artist: null,
    startsAt: Date.UTC(2031, 5, 1, 18),
    doorsAt: Date.UTC(2031, 5, 1, 17),
    timezone: 'Europe/Zurich',
    venue: { name: 'Halle 622', city: 'Zürich', country: 'CH' },
    section: 'A',
    row: '12',
    number: '7',
    areaId: null,
    holderName: 'Łódź <b>"O’Brien"</b>',
    amount: 4950,
    currency: 'CHF',
    ticketId: code.ticketId,
    isVoid: false,
    payload: payloadOf(code, signTicket(code, privateKey)),
    ...changes,
  }
}

/** Black and white modules as an image that a QR reader takes, four pixels a module. */
export function imageOf(dark: (x: number, y: number) => boolean, side: number) {
  const scale = 4
  const quiet = 4
  const width = (side + 2 * quiet) * scale
  const data = new Uint8Array(width * width * 4).fill(255)
  for (let y = 0; y < width; y++)
    for (let x = 0; x < width; x++) {
      const [mx, my] = [Math.floor(x / scale) - quiet, Math.floor(y / scale) - quiet]
      if (mx < 0 || my < 0 || mx >= side || my >= side || !dark(mx, my)) continue
      data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  return { width, height: width, data }
}
