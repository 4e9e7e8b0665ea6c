import { invalid } from './stripe-error.ts'

export type Form = { [name: string]: string | Form | string[] | Form[] }

/** Decodes Stripe's bracketed form encoding: `metadata[a]=1&expand[0]=latest_charge&types[]=x`. */
export function decodeForm(text: string): Form {
  const form: Form = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.replaceAll(']', '').split('[')
    put(form, path, value)
  }
  return form
}

function put(into: Form, path: string[], value: string): void {
  const [name = '', ...rest] = path
  if (name === '__proto__') return
  if (rest.length === 0) {
    into[name] = value
    return
  }
  const isList = rest.length === 1 && /^\d*$/.test(rest[0]!)
  if (isList) {
    const list = Array.isArray(into[name]) ? (into[name] as string[]) : []
    list.push(value)
    into[name] = list
    return
  }
  const inner =
    typeof into[name] === 'object' && !Array.isArray(into[name]) ? (into[name] as Form) : Object.create(null)
  into[name] = inner
  put(inner, rest, value)
}

export function textIn(form: Form, name: string): string | undefined {
  const value = form[name]
  return typeof value === 'string' ? value : undefined
}

export function formIn(form: Form, name: string): Form | undefined {
  const value = form[name]
  return typeof value === 'object' && !Array.isArray(value) ? value : undefined
}

export function listIn(form: Form, name: string): string[] {
  const value = form[name]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

export function metadataIn(body: Form): Record<string, string> {
  const entries = Object.entries(formIn(body, 'metadata') ?? {})
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** @throws what Stripe says of text that is no whole number */
export function wholeNumber(body: Form, name: string): number | undefined {
  const text = textIn(body, name)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text))
    throw invalid(`Invalid integer: ${text}`, { code: 'parameter_invalid_integer', param: name })
  return Number(text)
}
