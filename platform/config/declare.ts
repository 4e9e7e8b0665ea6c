/**
 * One declaration per option: type, default, unit and a sentence. Documentation, parsing and types all come from it.
 * `D` is the default's type: `undefined` means the option is absent unless set.
 */
export type Option<T, D extends T | undefined = T | undefined> = {
  /** Parses the text, or returns null when it is not of the shape. */
  parse: (text: string) => T | null
  /** What would be right; completes "NAME must be …". */
  shape: string
  default?: D
  unit?: string
  help: string
  /** Never printed, and best given as `NAME_FILE`. */
  secret?: boolean
}

type About<D> = { default?: D; unit?: string; help: string; secret?: boolean }

export function text<D extends string | undefined = undefined>(about: About<D>): Option<string, D> {
  return { ...about, shape: 'a text', parse: value => value }
}

export function integer<D extends number | undefined = undefined>(
  about: About<D> & { min: number; max: number },
): Option<number, D> {
  const { min, max } = about
  return {
    ...about,
    shape: `a whole number from ${min} to ${max}`,
    parse: value => (/^-?\d+$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : null),
  }
}

export function flag<D extends boolean | undefined = undefined>(about: About<D>): Option<boolean, D> {
  return {
    ...about,
    shape: '`true` or `false`',
    parse: value => (value === 'true' ? true : value === 'false' ? false : null),
  }
}

export function url<D extends string | undefined = undefined>(
  about: About<D> & { protocols: string[] },
): Option<string, D> {
  return {
    ...about,
    shape: `a URL that begins with ${about.protocols.map(protocol => `${protocol}//`).join(' or ')}`,
    parse: value => (URL.canParse(value) && about.protocols.includes(new URL(value).protocol) ? value : null),
  }
}

export function oneOf<const T extends string, D extends T | undefined = undefined>(
  values: readonly T[],
  about: About<D>,
): Option<T, D> {
  return {
    ...about,
    shape: `one of ${values.join(', ')}`,
    parse: value => values.find(known => known === value) ?? null,
  }
}

export function someOf<const T extends string, D extends readonly T[] | undefined = undefined>(
  values: readonly T[],
  about: About<D>,
): Option<readonly T[], D> {
  return {
    ...about,
    shape: `one or more of ${values.join(', ')}, separated by commas`,
    parse: value => {
      const asked = value.split(',').map(part => part.trim())
      return asked.every(part => values.includes(part as T)) ? values.filter(known => asked.includes(known)) : null
    },
  }
}
