import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Random } from '#kernel/random.ts'
import { type Denied, type ProblemOptions, problemOf } from './problem.ts'

/** By Node's names of what it could not read; everything else is not HTTP. */
const known: Record<string, Denied> = {
  HPE_HEADER_OVERFLOW: { code: 'head-too-large' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout' },
}
const message = 'is not HTTP/1.1'
const notHttp: ProblemOptions = { detail: `request ${message}.`, extras: { errors: [{ path: 'request', message }] } }

/**
 * Answers bytes that never become a request: no HTTP, a head that is too long or takes too long. Node tells of them beside the
 * framework, which would answer in a form of its own. The connection ends, since nobody knows where the next request would begin.
 */
export function answerUnreadable({ publicUrl, random }: { publicUrl: () => string; random: Random }) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const { code, options } = known[error.code ?? ''] ?? { code: 'invalid-request', options: notHttp }
    const problem = problemOf(code, { baseUrl: publicUrl(), requestId: random.bytes(9).toString('base64url') }, options)
    const body = JSON.stringify(problem)
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: private, no-store',
      `X-Request-Id: ${problem.request_id}`,
      'Connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  }
}
