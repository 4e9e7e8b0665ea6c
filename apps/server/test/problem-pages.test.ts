import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { problems } from '#contracts/problems.ts'
import { systemClock } from '#kernel/clock.ts'
import { systemRandom } from '#kernel/random.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createLogger } from '#platform/telemetry/logger.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { problemPages } from '../problem-pages.ts'

const app = createHttpServer({
  logger: createLogger('silent'),
  metrics: createMetrics({ processMetrics: false }),
  clock: systemClock,
  random: systemRandom(),
  publicUrl: () => 'http://tickets.example',
  authenticate: () => 'unauthenticated',
})
problemPages(app)
after(() => app.close())

test('every code has a page that shows a whole problem, and the list leads to it', async () => {
  const list = await app.inject('/problems')
  for (const [code, { status, title }] of Object.entries(problems)) {
    assert.ok(list.body.includes(`href="/problems/${code}"`), code)
    const page = await app.inject(`/problems/${code}`)
    assert.deepEqual([page.statusCode, page.headers['content-type']], [200, 'text/html; charset=utf-8'])
    assert.ok(page.body.includes(`<title>${title} · Holdfast</title>`), code)
    assert.ok(page.body.includes(`"status": ${status}`), code)
  }
})

test('there is no page for a code that there is not', async () => {
  const page = await app.inject('/problems/constructor')
  assert.deepEqual([page.statusCode, page.json().code], [404, 'not-found'])
})

test('a page loads nothing, and its policy lets its own style through', async () => {
  const { body, headers } = await app.inject('/problems/seat-rule')
  const style = /<style>(.*)<\/style>/s.exec(body)![1]!
  const policy = String(headers['content-security-policy'])
  assert.match(policy, /^default-src 'none';/)
  assert.ok(policy.includes(createHash('sha256').update(style).digest('base64')))
  assert.doesNotMatch(body, /<script|<link|<img|url\(/)
})
