/** What one look found. `advice` says what to do about it; a `warn` serves, a `fail` does not or not for long. */
export type Check = { name: string; status: 'ok' | 'warn' | 'fail'; found: string; advice?: string }

export function ok(name: string, found: string): Check {
  return { name, status: 'ok', found }
}
export function warn(name: string, found: string, advice: string): Check {
  return { name, status: 'warn', found, advice }
}
export function fail(name: string, found: string, advice: string): Check {
  return { name, status: 'fail', found, advice }
}
