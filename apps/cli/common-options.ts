import type { Command } from 'commander'

/** What every command takes. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'end with one JSON object on standard output')
    .option('--verbose', 'on failure show where it happened')
}
