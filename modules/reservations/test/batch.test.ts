import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { manualClock } from '#kernel/test/manual-clock.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { createHoldBatcher } from '../hold/batch.ts'
import { type ReservationRoutesDeps, reservationRoutes } from '../http.ts'
import type { HoldBatchAnswer, HoldRequest } from '../ports.ts'

const here = () => false

/** A batcher of two at a time in one lane, before a store that answers when it is told to. */
function stand() {
  const clock = manualClock()
  const sent: { users: string[]; answer: () => void }[] = []
  const batcher = createHoldBatcher({
    store: {
      holdBatch: requests =>
        new Promise<HoldBatchAnswer>(resolve => {
          const outcomes = requests.map(() => ({ kind: 'busy' }) as const)
          sent.push({
            users: requests.map(request => request.userId),
            answer: () => resolve({ judgedAt: 0, outcomes }),
          })
        }),
    },
    clock,
    metrics: createMetrics({ processMetrics: false }),
    logger: createLogger('silent'),
    lanes: 1,
    batchMax: 2,
  })
  const heard: string[] = []
  const submit = (user: string, isGone = here) =>
    batcher.submit({ userId: user, eventNo: 1 } as HoldRequest, { isGone }).then(
      ({ kind }) => heard.push(`${user} ${kind}`),
      error => heard.push(`${user}: ${error.message}`),
    )
  /** As a request is carried: it waits for its turn, then it is begun. */
  const come = (user: string) => {
    const turn = batcher.turn(here)
    if (turn === null) void submit(user)
    else
      void turn.then(
        () => submit(user),
        error => heard.push(`${user} in line: ${error.message}`),
      )
    return turn === null ? 'begun' : 'in line'
  }
  const settle = async () => {
    for (let i = 0; i < 20; i++) await turnOfTheLoop()
  }
  return { clock, batcher, sent, heard, submit, come, settle }
}

test('who would not fit into the next batch waits in line, and each batch lets the next ones go on', async () => {
  const { sent, heard, come, settle } = stand()
  assert.deepEqual([...'ab'].map(come), ['begun', 'begun'])
  await settle()
  assert.deepEqual([...'cdefg'].map(come), ['begun', 'begun', 'in line', 'in line', 'in line'])
  for (const batch of ['ab', 'cd', 'ef', 'g']) {
    await settle()
    assert.deepEqual(sent.at(-1)!.users, [...batch])
    sent.at(-1)!.answer()
  }
  await settle()
  assert.deepEqual(
    heard,
    [...'abcdefg'].map(user => `${user} busy`),
  )
})

test('two requests of one user go in two batches, the first one first, behind nobody who came later', async () => {
  const { sent, submit, settle } = stand()
  for (const user of 'aabc') void submit(user)
  await settle()
  assert.deepEqual(sent[0]!.users, ['a', 'b'])
  sent[0]!.answer()
  await settle()
  assert.deepEqual(sent[1]!.users, ['a', 'c'])
})

test('who has gone, or waited too long, is never sent, and lets those in line go on', async () => {
  const { clock, batcher, sent, heard, submit, come, settle } = stand()
  void submit('a')
  await settle()
  void submit('gone', () => true)
  void submit('late')
  assert.equal(come('b'), 'in line')
  await settle()
  clock.advance(1500)
  assert.equal(come('c'), 'in line')
  clock.advance(600)
  const drained = batcher.drained()
  sent[0]!.answer()
  await settle()
  assert.equal(sent.length, 2, 'who came to the line early is too late as well')
  assert.deepEqual(sent[1]!.users, ['c'])
  sent[1]!.answer()
  await settle()
  assert.deepEqual(heard.toSorted(), [
    'a busy',
    'b in line: the hold waited too long and was not tried',
    'c busy',
    'gone: the hold waited too long and was not tried',
    'late: the hold waited too long and was not tried',
  ])
  await drained
})

test('it is drained when all that was queued was given up', async () => {
  const { clock, batcher, sent, submit, settle } = stand()
  void submit('a')
  await settle()
  void submit('late')
  clock.advance(3000)
  const drained = batcher.drained().then(() => true)
  sent[0]!.answer()
  await settle()
  assert.equal(await Promise.race([drained, turnOfTheLoop(false)]), true)
})

test('the route of holds asks for a turn', () => {
  const { batcher } = stand()
  const routes = new Map<string, { config: { direct?: unknown; turn?: unknown } }>()
  const app = new Proxy({} as HttpServer, {
    get: (_, method) => (url: string, options: never) => routes.set(`${String(method)} ${url}`, options),
  })
  reservationRoutes({ turn: batcher.turn } as ReservationRoutesDeps)(app)
  const { direct, turn } = routes.get('post /v1/reservations')!.config
  assert.ok(direct !== undefined)
  assert.equal(turn, batcher.turn)
})
