import { CommandFailure, usageError } from './failure.ts'

/**
 * A moment as it is typed, in milliseconds since 1970. Without an offset it would be one of whatever zone this shell happens to be in.
 *
 * @throws CommandFailure that names the option
 */
export function momentOf(option: string, text: string): number {
  const moment = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(moment))
    throw new CommandFailure(`${option} must be a moment such as 2026-11-27T14:03:00+01:00, not ${text}.`, usageError)
  return moment
}
