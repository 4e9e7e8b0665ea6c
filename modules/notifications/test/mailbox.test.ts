import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pino } from 'pino'
import PostalMime from 'postal-mime'
import type { ActorRole } from '#contracts/actor.ts'
import { systemClock } from '#kernel/clock.ts'
import { newId } from '#kernel/ids.ts'
import { systemRandom } from '#kernel/random.ts'
import { manualClock } from '#kernel/test/manual-clock.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { mailboxRoutes } from '../mailbox/http.ts'
import { mailboxTransport } from '../mailbox/mailbox-transport.ts'
import { mimeOf } from '../mime.ts'
import type { OutgoingMail } from '../ports.ts'

const random = systemRandom()
const clock = manualClock()
const never = new AbortController().signal

function aMail(change: Partial<OutgoingMail> = {}): OutgoingMail {
  clock.advance(1000)
  const mailId = newId('mail', { clock, random })
  return {
    mailId,
    messageId: `<${mailId}@tickets.example>`,
    sentAt: new Date(clock.now()),
    from: { name: 'Holdfast', address: 'tickets@tickets.example' },
    to: { name: 'Ada', address: 'ada@example.org' },
    subject: 'Your tickets for Tonight',
    text: 'Hello Ada, see https://tickets.example/orders/1?a=1&b=2\n',
    html: '<!doctype html><p>Hello Ada</p><script>alert(1)</script>',
    attachments: [],
    ...change,
  }
}

async function aMailbox() {
  const folder = join(await mkdtemp(join(tmpdir(), 'holdfast-mailbox-')), 'mailbox')
  after(() => rm(join(folder, '..'), { recursive: true }))
  const transport = mailboxTransport({ folder, random })
  return { folder, transport, mailbox: transport.mailbox!, send: (mail: OutgoingMail) => transport.send(mail, never) }
}

async function anHttpServer(mailbox: Parameters<typeof mailboxRoutes>[0], publicUrl = 'http://127.0.0.1:3000') {
  const app = createHttpServer({
    clock: systemClock,
    random,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    publicUrl: () => publicUrl,
    authenticate: ({ headers }) => ({
      userId: newId('usr', { clock, random }),
      role: headers.authorization as ActorRole,
    }),
  })
  after(() => app.close())
  mailboxRoutes(mailbox)(app)
  await app.ready()
  return app
}

test('a mail lies in the folder as one that any mail program opens', async () => {
  const { folder, send } = await aMailbox()
  const mail = aMail({
    attachments: [{ filename: 'Tickets.pdf', contentType: 'application/pdf', content: Buffer.from('%PDF') }],
  })
  await send(mail)
  const raw = await readFile(join(folder, `${mail.mailId}.eml`))
  assert.doesNotMatch(raw.toString(), /(?<!\r)\n/, 'lines end as RFC 5322 wants it')
  const parsed = await PostalMime.parse(raw)
  assert.equal(parsed.messageId, mail.messageId)
  assert.equal(parsed.date, mail.sentAt.toISOString())
  assert.deepEqual(parsed.to, [mail.to])
  assert.equal(parsed.subject, mail.subject)
  assert.equal(parsed.text?.trim(), mail.text.trim())
  assert.equal(parsed.html?.trim(), mail.html)
  assert.deepEqual(
    parsed.attachments.map(({ filename, mimeType }) => [filename, mimeType]),
    [['Tickets.pdf', 'application/pdf']],
  )
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  assert.equal((await stat(join(folder, `${mail.mailId}.eml`))).mode & 0o777, 0o600)
})

test('a mail that is sent again takes its own place, and no half file is ever listed', async () => {
  const { folder, send, mailbox } = await aMailbox()
  const mail = aMail()
  await Promise.all([send(mail), send(mail), send({ ...mail, subject: mail.subject })])
  assert.deepEqual((await readdir(folder)).sort(), [`${mail.mailId}.eml`, `${mail.mailId}.json`])
  await writeFile(join(folder, `${aMail().mailId}.eml.0123456789ab.tmp`), 'half')
  await writeFile(join(folder, `${aMail().mailId}.json`), '{}')
  await writeFile(join(folder, 'notes.eml'), 'not ours')
  assert.equal((await mailbox.list({ limit: 10, before: null })).mails.length, 1)
})

test('the same mail makes the same bytes', async () => {
  const mail = aMail()
  assert.deepEqual(await mimeOf(mail), await mimeOf(mail))
})

test('names with line breaks do not become headers, even if nobody had cleaned them', async () => {
  const evil = 'x\r\nBcc: everybody@example.org\r\n\r\nBody'
  const raw = await mimeOf(
    aMail({
      to: { name: evil, address: 'ada@example.org' },
      from: { name: evil, address: 'tickets@tickets.example' },
      subject: evil,
      attachments: [{ filename: evil, contentType: 'text/plain\r\nX-Evil: 1', content: Buffer.from('a') }],
    }),
  )
  const parsed = await PostalMime.parse(raw)
  assert.equal(parsed.bcc, undefined)
  const known =
    /^(from|to|subject|message-id|date|auto-submitted|mime-version|content-type|content-transfer-encoding|content-disposition)$/
  assert.deepEqual(
    parsed.headers.filter(({ key }) => !known.test(key)),
    [],
  )
  assert.doesNotMatch(raw.toString(), /^(Bcc|X-Evil):/im)
})

test('mails are listed newest first, page by page', async () => {
  const { send, mailbox } = await aMailbox()
  for (let i = 1; i <= 60; i++) await send(aMail({ subject: `Mail number ${i}.` }))
  const app = await anHttpServer(mailbox)
  const seen: string[] = []
  let pages = 0
  for (let url: string | undefined = '/sandbox/mailbox'; url !== undefined; pages++) {
    const { body, statusCode }: { body: string; statusCode: number } = await app.inject(url)
    assert.equal(statusCode, 200)
    seen.push(...body.matchAll(/number (\d+)\./g).map(match => match[1]!))
    url = /rel="next" href="([^"]+)"/.exec(body)?.[1]
  }
  assert.equal(pages, 3)
  assert.deepEqual(
    seen.map(Number),
    Array.from({ length: 60 }, (_, i) => 60 - i),
  )
})

test('an empty mailbox explains itself, also before there is a folder', async () => {
  const { mailbox } = await aMailbox()
  const { body } = await (await anHttpServer(mailbox)).inject('/sandbox/mailbox')
  assert.match(body, /No mail yet/)
  assert.match(body, /SMTP_URL/)
})

test('a mail is shown with everything of it escaped, its HTML apart and without rights', async () => {
  const { send, mailbox } = await aMailbox()
  const mail = aMail({
    subject: '<b>"Sold"&</b>',
    to: { name: '<script>', address: 'ada@example.org' },
    text: 'See https://tickets.example/a?b=1&c="><script> javascript:alert(1)',
    attachments: [{ filename: '<b>\r\n.html', contentType: 'text/html', content: Buffer.from('<script>') }],
  })
  await send(mail)
  const app = await anHttpServer(mailbox)
  const at = `/sandbox/mailbox/${mail.mailId}`
  const page = await app.inject(at)
  assert.doesNotMatch(page.body, /<script|<b>/)
  assert.ok(page.body.includes(`<iframe sandbox="" title="The mail as HTML" src="${at}/html">`))
  assert.ok(page.body.includes('href="https://tickets.example/a?b=1&amp;c="'))
  assert.doesNotMatch(page.body, /href="javascript/)
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/)
  assert.doesNotMatch((await app.inject('/sandbox/mailbox')).body, /<script|<b>/)

  const html = await app.inject(`${at}/html`)
  assert.equal(html.body, mail.html)
  assert.match(String(html.headers['content-security-policy']), /^sandbox; default-src 'none'/)

  const file = await app.inject(`${at}/attachments/0`)
  assert.equal(file.body, '<script>')
  assert.equal(file.headers['content-disposition'], `attachment; filename*=UTF-8''%3Cb%3E%0D%0A.html`)
  assert.equal(file.headers['x-content-type-options'], 'nosniff')
  assert.equal((await app.inject(`${at}/attachments/1`)).statusCode, 404)
  assert.equal((await app.inject(`${at}/attachments/__proto__`)).statusCode, 404)

  const raw = await app.inject(`${at}/raw`)
  assert.equal(raw.headers['content-type'], 'message/rfc822')
  assert.equal((await PostalMime.parse(raw.rawPayload)).messageId, mail.messageId)
})

test('an id that is none leads nowhere, least of all out of the folder', async () => {
  const { mailbox, send, folder } = await aMailbox()
  await send(aMail())
  await writeFile(join(folder, '..', 'secret.json'), '{"html":"secret"}')
  const app = await anHttpServer(mailbox)
  for (const id of [
    '..%2fsecret',
    '%2e%2e%2fsecret',
    '..',
    'mail_',
    `mail_${'0'.repeat(25)}/`,
    'mail_%00',
    aMail().mailId,
  ]) {
    for (const part of ['', '/html', '/raw', '/attachments/0']) {
      const { statusCode, body } = await app.inject(`/sandbox/mailbox/${id}${part}`)
      assert.ok(statusCode === 404 || (statusCode === 200 && id === '..'), `${id}${part}: ${statusCode}`)
      assert.doesNotMatch(body, /secret"/)
    }
  }
})

test('staff who help buyers may look from anywhere, and nobody else from elsewhere', async () => {
  const { mailbox, send } = await aMailbox()
  const mail = aMail()
  await send(mail)
  const app = await anHttpServer(mailbox, 'https://tickets.example')
  const urls = ['', ...['', '/html', '/raw', '/attachments/0'].map(part => `/${mail.mailId}${part}`)]
  for (const url of urls.slice(0, -1).map(part => `/sandbox/mailbox${part}`)) {
    for (const [role, status] of [
      ['admin', 200],
      ['support', 200],
      ['organizer', 404],
      ['customer', 404],
    ] as const) {
      const answer = await app.inject({ url, remoteAddress: '203.0.113.9', headers: { authorization: role } })
      assert.equal(answer.statusCode, status, `${role} at ${url}`)
      if (status === 200) assert.equal(answer.headers['cache-control'], 'private, no-store')
    }
    assert.equal((await app.inject({ url, remoteAddress: '203.0.113.9' })).statusCode, 404)
  }
})

test('from this machine anybody may look, unless the world comes that way too', async () => {
  const { mailbox } = await aMailbox()
  const local = await anHttpServer(mailbox)
  const world = await anHttpServer(mailbox, 'https://tickets.example')
  const status = async (app: typeof local, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
    (await app.inject({ url: '/sandbox/mailbox', headers, remoteAddress })).statusCode
  for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'holdfast.localhost'])
    assert.equal(await status(local, { host }), 200, host)
  assert.equal(await status(local, {}, '::1'), 200)
  assert.equal(await status(local, {}, '192.168.0.7'), 404)
  // A name of somebody else that leads to 127.0.0.1: a page of theirs in this user's browser.
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'a:b:c'])
    assert.equal(await status(local, { host }), 404, host)
  // A proxy on this machine.
  assert.equal(await status(local, { 'x-forwarded-for': '203.0.113.9' }), 404)
  assert.equal(await status(local, { forwarded: 'for=203.0.113.9' }), 404)
  assert.equal(await status(world, { host: 'localhost:3000' }), 404)
})
