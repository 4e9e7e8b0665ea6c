import type { Random } from '#kernel/random.ts'

/** A caller's own id if it is harmless in a log, otherwise one of ours. */
export function requestId(request: { headers: Record<string, string | string[] | undefined> }, random: Random): string {
  const given = request.headers['x-request-id']
  if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given
  return random.bytes(9).toString('base64url')
}
