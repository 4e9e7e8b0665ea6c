import { passwordWeakness } from './password-rules.ts'

type FieldError = { path: string; message: string }

/**
 * The one spelling under which an address is stored and looked up. Mail systems may tell `Ann@` from `ann@`; people do not.
 */
export function normalizeEmail(text: string): string {
  return text.trim().normalize('NFC').toLowerCase()
}

export function normalizeName(text: string): string {
  return text.trim().normalize('NFC')
}

/**
 * What a schema cannot say about the fields of a new account. Whether an address exists only a mail can tell, so no more is
 * asked than what every address has. Lengths are asked again, because normalising can lengthen a text.
 */
export function accountErrors(given: { email: string; name: string; password: string }): FieldError[] {
  const email = normalizeEmail(given.email)
  const name = normalizeName(given.name)
  const errors: FieldError[] = []
  if (!/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(email) || email.length > 254)
    errors.push({ path: 'email', message: 'must be a mail address of at most 254 characters' })
  if (name === '' || name.length > 200 || /\p{Cc}/u.test(name))
    errors.push({ path: 'name', message: 'must be 1 to 200 characters, none of them a control character' })
  const weakness = passwordWeakness(given.password, { email, name })
  if (weakness !== null) errors.push({ path: 'password', message: weakness })
  return errors
}
