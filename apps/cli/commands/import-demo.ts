import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { type SignInOptions, signIn, signInHelp, withSignIn } from '../api/sign-in.ts'
import { withCommonOptions } from '../common-options.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

export function addImportDemo(program: Command, perform: Perform): void {
  withSignIn(withCommonOptions(program.command('import-demo')))
    .summary('bring the demo events into a running server')
    .description('Bring the demo venues and events into a running server and put them on sale.')
    .addHelpText(
      'after',
      `
\`start\` does this by itself when the catalogue is empty and the database is its own. Safe to repeat after a failure half-way.

  holdfast import-demo --server https://tickets.example.org --email you@example.org
${signInHelp}`,
    )
    .action((options: CommonOptions & SignInOptions) => perform(options, terminal => run(terminal, options)))
}

async function run(terminal: Terminal, options: SignInOptions): Promise<Report> {
  // The other commands should not wait for the catalogue to load.
  const { importDemo } = await import('#catalog')
  const { server, token } = await signIn(terminal, options)
  const slugs = await importDemo({ baseUrl: server, token, now: systemClock.now(), log: terminal.note })
  const addresses = slugs.map(slug => `${server}/v1/events/${slug}`)
  return { text: addresses.join('\n'), json: { events: slugs } }
}
