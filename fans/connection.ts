import { connect, type Socket } from 'node:net'

export type Answer = { status: number; head: Buffer; body: Buffer }

/**
 * One keep-alive HTTP/1.1 connection that carries one request at a time, written as prepared bytes. A full client costs as much
 * as the server; this one costs some 10 µs a request, so that the generator may share a machine with what it measures.
 * Understands answers with Content-Length or without a body, which is what this server sends.
 */
export class Connection {
  #socket: Socket | null = null
  #pending = Buffer.alloc(0)
  #onAnswer: ((answer: Answer | Error) => void) | null = null
  readonly #target: { host: string; port: number }

  constructor(target: { host: string; port: number }) {
    this.#target = target
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...this.#target, noDelay: true }, () => {
        socket.off('error', reject)
        resolve()
      })
      socket.once('error', reject)
      socket.on('error', () => {})
      socket.on('data', chunk => this.#take(chunk))
      socket.on('close', () => {
        this.#socket = null
        this.#pending = Buffer.alloc(0)
        this.#finish(new Error('connection closed'))
      })
      this.#socket = socket
    })
  }

  /** Calls back with the answer, or an Error when the connection broke; it is opened again for the next request. */
  send(bytes: Buffer, onAnswer: (answer: Answer | Error) => void): void {
    this.#onAnswer = onAnswer
    if (this.#socket !== null) this.#socket.write(bytes)
    else
      this.open().then(
        () => this.#socket?.write(bytes),
        error => this.#finish(error),
      )
  }

  close(): void {
    this.#socket?.destroy()
  }

  #take(chunk: Buffer): void {
    const buffer = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const headEnd = buffer.indexOf('\r\n\r\n')
    const length = headEnd === -1 ? -1 : contentLength(buffer, headEnd)
    if (headEnd === -1 || buffer.length < headEnd + 4 + length) {
      this.#pending = Buffer.from(buffer)
      return
    }
    this.#pending = Buffer.alloc(0)
    const status = (buffer[9]! - 48) * 100 + (buffer[10]! - 48) * 10 + (buffer[11]! - 48)
    this.#finish({
      status,
      head: buffer.subarray(0, headEnd),
      body: buffer.subarray(headEnd + 4, headEnd + 4 + length),
    })
  }

  #finish(answer: Answer | Error): void {
    const onAnswer = this.#onAnswer
    this.#onAnswer = null
    onAnswer?.(answer)
  }
}

function contentLength(buffer: Buffer, headEnd: number): number {
  const head = buffer.toString('latin1', 0, headEnd)
  const at = head.search(/\r\ncontent-length: /i)
  return at === -1 ? 0 : Number.parseInt(head.slice(at + 18, at + 30), 10)
}
