import secureJson from 'secure-json-parse'
import { UnstorableText } from './read-fault.ts'
import { unstorableText } from './validation.ts'

/**
 * The value of a JSON text without `__proto__` tricks, U+0000 or lone surrogates. Throws what `createFaultReader` understands.
 */
export function readJson(raw: string): unknown {
  let parsed: unknown
  try {
    parsed = secureJson.parse(raw, { protoAction: 'error', constructorAction: 'error' })
  } catch {
    throw Object.assign(new Error('not JSON'), { code: 'FST_ERR_CTP_INVALID_JSON_BODY', statusCode: 400 })
  }
  const errors = unstorableText(raw, parsed)
  if (errors.length > 0) throw new UnstorableText(errors)
  return parsed
}
