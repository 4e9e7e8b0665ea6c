/**
 * Refusals are expected answers, so they are values: `{ ok: false, code, …details }`. Codes are the keys of
 * `contracts/problems.ts`; the HTTP layer maps them, nobody throws them.
 */
export type Ok<T> = { ok: true; value: T }
export type Refusal<Code extends string = string> = { ok: false; code: Code }

export function ok<T>(value: T): Ok<T> {
  return { ok: true, value }
}
