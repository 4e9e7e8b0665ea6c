import type { Config } from './config.ts'
import type { Option } from './declare.ts'
import { options } from './options.ts'

export type ExplainedOption = { name: string; shape: string; default: string; unit: string; help: string; now: string }

/** Every option with its meaning and, where a config is given, its present value; secrets are never shown. */
export function explainConfig(config?: Config): ExplainedOption[] {
  return (Object.entries(options) as [keyof Config, Option<unknown>][]).map(([name, option]) => ({
    name,
    shape: option.shape,
    default: option.default === undefined ? 'absent' : String(option.default),
    unit: option.unit ?? '',
    help: option.help,
    now: config === undefined ? '' : shown(config[name], option),
  }))
}

/** The body of `docs/reference/config.md`. */
export function configReference(): string {
  const rows = explainConfig().map(
    o =>
      `| \`${o.name}\` | ${o.shape} | ${o.default}${o.unit && o.default !== 'absent' ? ` ${o.unit}` : ''} | ${o.help} |`,
  )
  return [
    '# Settings',
    '',
    'All settings come from the environment. Each may also be given as `NAME_FILE`, the path of a file that holds the value,',
    'which is the better way for secrets. Unknown names that begin with `HOLDFAST_` stop the start. Printed from',
    '`platform/config/options.ts` by `holdfast config explain --markdown`.',
    '',
    '| Name | Value | Default | Meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function shown(value: unknown, option: Option<unknown>): string {
  if (value === undefined) return 'absent'
  return option.secret ? '(set, not shown)' : String(value)
}
