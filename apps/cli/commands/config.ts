import type { Command } from 'commander'
import { readConfig } from '#platform/config/config.ts'
import { configReference, type ExplainedOption, explainConfig } from '#platform/config/explain.ts'
import { withCommonOptions } from '../common-options.ts'
import type { CommonOptions, Perform } from '../main.ts'
import type { Report, Terminal } from '../terminal.ts'

export function addConfig(program: Command, perform: Perform): void {
  const config = program.command('config').summary('look at the settings').description('Look at the settings.')
  withCommonOptions(config.command('explain'))
    .summary('list every setting, and what it is now')
    .description('List every setting: what it means, its default, and what it is now. Secrets are not shown.')
    .option('--markdown', 'print the reference page instead')
    .addHelpText(
      'after',
      `
Settings are read from the environment, or from the file that NAME_FILE names:
  PORT=8080 HOLDFAST_DATA=/var/lib/holdfast holdfast config explain
  DATABASE_URL_FILE=/run/secrets/database holdfast config explain --json`,
    )
    .action((options: CommonOptions & { markdown?: boolean }) =>
      perform(options, async terminal => explain(terminal, options)),
    )
}

function explain(terminal: Terminal, options: { markdown?: boolean }): Report {
  if (options.markdown) return { text: configReference().trimEnd(), json: { markdown: configReference() } }
  const { config, warnings } = readConfig(terminal.env)
  for (const warning of warnings) terminal.note(warning)
  const explained = explainConfig(config)
  return { text: explained.map(paragraph).join('\n\n'), json: { settings: explained } }
}

function paragraph({ name, now, shape, default: preset, unit, help }: ExplainedOption): string {
  const measure = unit === '' ? '' : ` ${unit}`
  const changed = now === preset ? '' : `, default ${preset}`
  return [`${name} = ${now}${now === 'absent' ? '' : measure}`, `  ${help}`, `  ${shape}${changed}`].join('\n')
}
