/** What a fan's browser does with the box office: asks, and waits when told to. */
// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire; a fan knows no schema
type Json = Record<string, any>

export type Answer = { status: number; body: Json; retryAfterMs: number | null; ms: number }

export type Question = {
  method?: string
  token?: string
  key?: string
  body?: object
  form?: Record<string, string>
  basic?: string
}

export type Api = (url: string, question?: Question) => Promise<Answer>

/** Never throws: a broken connection is an answer with status 0, as it is to a person. */
export const overHttp: Api = async (url, { method, token, key, body, form, basic } = {}) => {
  const startedAt = performance.now()
  try {
    const response = await fetch(url, {
      method: method ?? (body === undefined && form === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(basic !== undefined && { authorization: `Basic ${Buffer.from(`${basic}:`).toString('base64')}` }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(form !== undefined && { body: new URLSearchParams(form) }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    const retryAfter = response.headers.get('retry-after')
    return {
      status: response.status,
      body: text.startsWith('{') ? JSON.parse(text) : {},
      retryAfterMs: retryAfter === null ? null : Number(retryAfter) * 1000,
      ms: performance.now() - startedAt,
    }
  } catch {
    return { status: 0, body: { code: 'no-answer' }, retryAfterMs: null, ms: performance.now() - startedAt }
  }
}
