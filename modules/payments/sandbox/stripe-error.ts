/** Answers of Stripe that say no, in its own shape. */
export class StripeError extends Error {
  readonly status: number
  readonly body: { error: Record<string, unknown> }
  readonly headers: Record<string, string>
  constructor(status: number, error: Record<string, unknown>, headers: Record<string, string> = {}) {
    super(String(error.message))
    this.status = status
    this.body = { error }
    this.headers = headers
  }
}

export const invalid = (message: string, extras: Record<string, unknown> = {}): StripeError =>
  new StripeError(400, { type: 'invalid_request_error', message, ...extras })

export const missing = (kind: string, id: string): StripeError =>
  new StripeError(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'id',
    message: `No such ${kind}: '${id}'`,
  })
