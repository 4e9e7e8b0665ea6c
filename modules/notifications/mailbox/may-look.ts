import type { FastifyRequest } from 'fastify'
import type { Actor } from '#contracts/actor.ts'

/**
 * Mails show names, addresses and tickets. Staff who help buyers may see them, and whoever sits at this machine while it serves
 * nobody else.
 */
export function mayLook(request: FastifyRequest & { actor: Actor | null }): boolean {
  const role = request.actor?.role
  return role === 'admin' || role === 'support' || isAtThisMachine(request)
}

/**
 * A connection over loopback alone proves little. Behind a reverse proxy on this machine everybody's does, hence: no header of a
 * proxy, and the world reaches this server at no other address. A page of another site that has its name resolved to 127.0.0.1
 * would read along in this user's browser, hence: asked by a name that can only be this machine.
 */
function isAtThisMachine({ raw, headers, server }: FastifyRequest): boolean {
  const address = raw.socket.remoteAddress
  return (
    (address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1') &&
    !proxyHeaders.some(name => name in headers) &&
    isLoopback(`http://${headers.host}`) &&
    isLoopback(server.publicUrl())
  )
}

const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname
  return host !== undefined && /^(localhost|[\w.-]+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host)
}
