import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after } from 'node:test'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'

export type Received = Email & { recipients: string[] }

/** What to say: null takes it, a number refuses with that code, a promise lets wait. */
type Judge = (address: string) => number | null | Promise<number | null>

/** A real SMTP server of this process. */
export async function mailServer({
  onRecipient = () => null,
  onData = () => null,
  password,
}: {
  onRecipient?: Judge
  onData?: Judge
  password?: string
} = {}) {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: password === undefined,
    disabledCommands: password === undefined ? ['AUTH', 'STARTTLS'] : ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: auth.username }) : done(refusal(535, 'wrong password')),
    onRcptTo: async ({ address }, _session, done) => {
      const code = await onRecipient(address)
      done(code === null ? null : refusal(code, `<${address}> is not welcome`))
    },
    onData: async (stream, session, done) => {
      const raw = await text(stream)
      const recipients = session.envelope.rcptTo.map(to => to.address)
      const code = await onData(recipients[0]!)
      if (code !== null) return done(refusal(code, `not today, ${recipients[0]}`))
      received.push({ ...(await PostalMime.parse(raw)), recipients })
      done()
    },
  })
  server.on('error', () => {}) // a client that hangs up in the middle is what some tests are about
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  let closed: Promise<void> | undefined
  const close = () => (closed ??= new Promise(resolve => server.close(() => resolve())))
  after(close)
  const { port } = server.server.address() as AddressInfo
  return { url: `smtp://127.0.0.1:${port}`, port, received, close }
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}
