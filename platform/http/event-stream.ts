import type { FastifyReply } from 'fastify'

/** An open answer of server-sent events. */
export type EventStream = {
  write(frame: Buffer | string): void
  /**
   * The reader has not taken what was written. Writing on would fill our memory for somebody who may be gone: skip, and tell
   * later what holds then.
   */
  readonly isBehind: boolean
  /** Ends it in good order; the reader connects again. */
  close(): void
  /** Breaks it off, with whatever waits to be sent. */
  destroy(): void
}

/** A comment: keeps proxies from taking silence for death. */
export const heartbeat = Buffer.from(':\n\n')

/** Takes the answer out of the framework's hands and begins a stream; `onClose` is called once, whoever ended it. */
export function openEventStream(reply: FastifyReply, onClose: () => void): EventStream {
  const { raw } = reply
  reply.hijack()
  raw.on('error', () => {}) // a reader that is gone; 'close' follows
  raw.once('close', onClose)
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // nginx would gather the events until its buffer is full.
    'X-Accel-Buffering': 'no',
    // Kept alive, the connection of a stream that ends at shutdown would hold the server up until its time-out.
    Connection: 'close',
  })
  raw.flushHeaders()
  return {
    write: frame => void raw.write(frame),
    get isBehind() {
      return raw.writableNeedDrain
    },
    close: () => void raw.end(),
    destroy: () => void raw.destroy(),
  }
}

/** One event as bytes. The data is JSON, so it has no line breaks of its own. */
export function eventFrame({ id, event, data }: { id: string; event: string; data: unknown }): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
