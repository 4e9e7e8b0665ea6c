import type { Chance } from './chance.ts'

/**
 * What may go wrong in one run, and how often. Each seed draws its own: a run in which everything fails now and then never meets what
 * comes of one fault alone ("swarm testing").
 */
export type Weather = {
  /** A statement or a commit that fails; a commit whose answer is lost, or that never came. */
  statementFails: number
  /** Takes seconds: only so do transactions overlap that have nothing to do with each other. */
  statementSlow: number
  commitAborts: number
  commitRequestLost: number
  commitAnswerLost: number
  /** A call to the provider. */
  callRefused: number
  callRequestLost: number
  callAnswerLost: number
  callSlow: number
  /** The provider keeps its own failure under a key. */
  providerFails: number
  outages: number
  /** The bank goes away with the answer to a call that had an effect. */
  awayAfterEffect: number
  crashes: number
  pauses: number
  clocksDiffer: boolean
  webhooks: { lost: number; copiesMax: number; delayMsMax: number }
  staff: number
  /** Of the authorised payments, how many somebody captures by hand in the pages of the bank. */
  capturedByHand: number
  /** Buyers who come when most have gone, hold what is free, and leave it. */
  latecomers: number
  /** How often a process looks what others have committed, milliseconds: from a second on, memory is too old to refuse anybody. */
  feedMs: number
  /** The log of messages: away, telling again, and how many changes it gives at most. */
  logAway: number
  logRepeats: number
  logPiece: number
  handlerStumbles: number
  mailRefused: number
  mailAnswerLost: number
}

export const calm: Weather = {
  statementFails: 0,
  statementSlow: 0,
  commitAborts: 0,
  commitRequestLost: 0,
  commitAnswerLost: 0,
  callRefused: 0,
  callRequestLost: 0,
  callAnswerLost: 0,
  callSlow: 0,
  providerFails: 0,
  outages: 0,
  awayAfterEffect: 0,
  crashes: 0,
  pauses: 0,
  clocksDiffer: false,
  webhooks: { lost: 0, copiesMax: 1, delayMsMax: 0 },
  staff: 0,
  capturedByHand: 0,
  latecomers: 0,
  feedMs: 700,
  logAway: 0,
  logRepeats: 0,
  logPiece: 1000,
  handlerStumbles: 0,
  mailRefused: 0,
  mailAnswerLost: 0,
}

const hourMs = 3_600_000

export const faultNames = Object.keys(calm) as readonly (keyof Weather)[]

/** The same weather without some of its faults. */
export function without(weather: Weather, faults: readonly string[]): Weather {
  const kept = Object.entries(weather).filter(([fault]) => !faults.includes(fault))
  return { ...calm, ...Object.fromEntries(kept) }
}

/** The bank is out of reach for long, and somebody takes money in its pages: what comes so late meets seats that others have by now. */
const lateMoney: Pick<Weather, 'outages' | 'capturedByHand' | 'latecomers'> = {
  outages: 4,
  capturedByHand: 1,
  latecomers: 10,
}

/** Much is refunded, and of what the bank does nobody hears but by asking. */
const unheardRefunds: Pick<Weather, 'callAnswerLost' | 'webhooks' | 'staff'> = {
  callAnswerLost: 0.5,
  webhooks: { lost: 1, copiesMax: 1, delayMsMax: 0 },
  staff: 6,
}

/** Half of what is said to the bank, and of what it answers, is lost: nobody may take silence for a no. */
const badLine: Pick<Weather, 'callRequestLost' | 'callAnswerLost'> = { callRequestLost: 0.3, callAnswerLost: 0.3 }

export function drawWeather(chance: Chance): Weather {
  const rate = (most: number) => (chance.happens(0.5) ? chance.fraction() * most : 0)
  const count = (most: number) => (chance.happens(0.5) ? 1 + chance.int(most) : 0)
  return {
    statementFails: rate(0.02),
    statementSlow: rate(0.05),
    commitAborts: rate(0.05),
    commitRequestLost: rate(0.05),
    commitAnswerLost: rate(0.08),
    callRefused: rate(0.1),
    callRequestLost: rate(0.1),
    callAnswerLost: rate(0.15),
    callSlow: rate(0.2),
    providerFails: rate(0.1),
    outages: count(3),
    awayAfterEffect: rate(0.1),
    crashes: count(3),
    pauses: count(2),
    clocksDiffer: chance.happens(0.4),
    webhooks: {
      lost: chance.any([0, 0, 0.3, 1]),
      copiesMax: chance.any([1, 1, 3, 20]),
      delayMsMax: chance.any([0, 2000, 120_000, 1_800_000, 72 * hourMs]),
    },
    staff: count(4),
    ...(chance.happens(0.25) ? lateMoney : { capturedByHand: chance.any([0, 0, 0.5, 1]), latecomers: 0 }),
    feedMs: chance.any([700, 5000, 5000]),
    logAway: rate(0.3),
    logRepeats: rate(0.3),
    logPiece: chance.any([1, 3, 1000]),
    handlerStumbles: rate(0.4),
    mailRefused: rate(0.5),
    mailAnswerLost: rate(0.3),
    ...(chance.happens(0.1) && badLine),
    ...(chance.happens(0.1) && unheardRefunds),
  }
}
