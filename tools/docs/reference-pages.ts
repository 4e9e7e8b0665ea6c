import { messages } from '#contracts/messages.ts'
import { problems } from '#contracts/problems.ts'
import { configReference } from '#platform/config/explain.ts'

/** The pages of docs/reference, path -> text, each printed from the one table that the program itself uses. */
export function referencePages(): Record<string, string> {
  return {
    'docs/reference/config.md': configReference(),
    'docs/reference/problems.md': problemReference(),
    'docs/reference/messages.md': messageReference(),
  }
}

function problemReference(): string {
  const rows = Object.entries(problems).map(
    ([code, { status, title, advice }]) =>
      `| ${status} | <a id="${code}"></a>\`${code}\` | ${cell(title)} | ${cell(advice)} |`,
  )
  return page(
    'Problem codes',
    `Every refusal is \`application/problem+json\` (RFC 9457) with a \`code\`, a \`detail\` in words and the \`request_id\` under which it is
logged. \`type\` is the address of a page about the code, served at \`/problems/<code>\`. Printed from \`contracts/problems.ts\` by
\`npm run reference\`.`,
    ['| Status | Code | What happened | What to do |', '|---|---|---|---|', ...rows],
  )
}

type Schema = {
  type?: string
  format?: string
  const?: unknown
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
}

function messageReference(): string {
  const all = Object.entries(messages) as [string, Schema][]
  const [, first] = all[0]!
  const { data: _data, ...envelope } = first.properties!
  const sections = all.flatMap(([name, { description, properties }]) => [
    '',
    `## ${name}`,
    '',
    description ?? '',
    '',
    ...members(properties!.data!),
  ])
  return page(
    'Messages',
    `What happens is told as CloudEvents 1.0 in JSON, at least once, and for each subject in the order of its revisions. Members may be
added; ignore what you do not know. Printed from \`contracts/messages.ts\` by \`npm run reference\`.

Every message has the members below, and its own in \`data\`.`,
    [
      ...members({ properties: { ...envelope, type: { type: 'string', description: 'The name of the message.' } } }),
      ...sections,
    ],
  )
}

/** A table of the members of an object; those of objects within are named with a dot, of arrays with brackets. */
function members(schema: Schema): string[] {
  const rows = flatten(schema, '').map(
    ({ name, member }) => `| \`${name}\` | ${typeOf(member)} | ${cell(member.description ?? '')} |`,
  )
  return ['| Member | Type | Meaning |', '|---|---|---|', ...new Set(rows)]
}

function flatten(schema: Schema, prefix: string): { name: string; member: Schema }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
    const name = `${prefix}${key}`
    const inner = member.items?.anyOf ?? (member.items ? [member.items] : [])
    return [{ name, member }, ...flatten(member, `${name}.`), ...inner.flatMap(item => flatten(item, `${name}[].`))]
  })
}

function typeOf({ type, format, const: value, anyOf, items }: Schema): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ')
  if (items !== undefined) return `array of ${[...new Set((items.anyOf ?? [items]).map(typeOf))].join(' or ')}`
  return format ?? type ?? 'anything'
}

function page(title: string, introduction: string, lines: string[]): string {
  return `${[`# ${title}`, '', introduction, '', ...lines].join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
