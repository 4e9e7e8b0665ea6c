import { Connection } from './connection.ts'
import { bytesOf, type Question } from './questions.ts'

/** What a fan's browser does with the box office: asks, and waits when told to. */
// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire; a fan knows no schema
type Json = Record<string, any>

export type Answer = { status: number; body: Json; retryAfterMs: number | null; ms: number }

/** Never throws: a broken connection is an answer with status 0, as it is to a person. */
export type Api = (origin: string, question: Question) => Promise<Answer>

const timeoutMs = 30_000
/** A server closes what is idle for some seconds; one that may be about to is not used. */
const idleMsMax = 2000

type Idle = { connection: Connection; since: number }

/** Over connections that stay open and are shared by all fans, as many as there are questions under way. */
export function overConnections(): Api & { close(): void } {
  const idle = new Map<string, Idle[]>()

  const api = async (origin: string, question: Question): Promise<Answer> => {
    const startedAt = performance.now()
    const connection = await take(origin, startedAt).catch(() => null)
    const came = connection === null ? null : await answerOf(connection, bytesOf(question))
    const ms = performance.now() - startedAt
    if (connection === null || came === null) return { status: 0, body: { code: 'no-answer' }, retryAfterMs: null, ms }
    idle.get(origin)!.push({ connection, since: performance.now() })
    const text = came.body.toString()
    const retryAfter = /\r\nretry-after: (\d+)/i.exec(came.head.toString('latin1'))?.[1]
    return {
      status: came.status,
      body: text.startsWith('{') ? JSON.parse(text) : {},
      retryAfterMs: retryAfter === undefined ? null : Number(retryAfter) * 1000,
      ms,
    }
  }

  async function take(origin: string, now: number): Promise<Connection> {
    const pool = idle.get(origin) ?? []
    idle.set(origin, pool)
    for (let last = pool.pop(); last !== undefined; last = pool.pop()) {
      if (now - last.since < idleMsMax) return last.connection
      last.connection.close()
    }
    const { hostname: host, port } = new URL(origin)
    const connection = new Connection({ host, port: Number(port || 80) })
    await connection.open()
    return connection
  }

  const close = () => {
    for (const pool of idle.values()) for (const { connection } of pool.splice(0)) connection.close()
  }
  return Object.assign(api, { close })
}

function answerOf(connection: Connection, bytes: Buffer) {
  return new Promise<{ status: number; head: Buffer; body: Buffer } | null>(resolve => {
    const timer = setTimeout(() => connection.close(), timeoutMs)
    connection.send(bytes, answer => {
      clearTimeout(timer)
      resolve(answer instanceof Error ? null : answer)
    })
  })
}
