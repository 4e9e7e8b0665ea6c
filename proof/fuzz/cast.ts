import { randomBytes } from 'node:crypto'
import type { ActorRole } from '#contracts/actor.ts'

/** Somebody who asks. `mark` stands in the mail address and the name they give, so that it is known again wherever it comes out. */
export type Person = { name: string; role: ActorRole; userId: string; token: string; mark: string }

// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire
type Json = Record<string, any>
export type Ask = (question: {
  method?: string
  path: string
  token?: string
  body?: object
  key?: string
}) => Promise<Json>

const staffRoles = ['door', 'support', 'finance', 'organizer', 'admin'] as const
const password = 'a password for the fuzz alone'

export const newMark = () => `hfz${randomBytes(6).toString('hex')}`

/** Two guests, two customers, one of each staff role. */
export async function gatherCast(ask: Ask, admin: { email: string; password: string }): Promise<Person[]> {
  const { access_token: adminToken } = await ask({ path: '/v1/auth/login', body: admin })
  const guests = await Promise.all([1, 2].map(n => newGuest(ask, `guest ${n}`)))
  const accounts = [...['customer', 'customer'], ...staffRoles].map((role, i) => async (): Promise<Person> => {
    const mark = newMark()
    const account = { email: `${mark}@example.org`, password, name: mark }
    if (role === 'customer') await ask({ path: '/v1/auth/signup', body: account })
    else await ask({ path: '/v1/staff', token: adminToken, body: { ...account, role } })
    const name = role === 'customer' ? `customer ${i + 1}` : role
    return { name, role: role as ActorRole, mark, ...(await logIn(ask, mark)) }
  })
  const people: Person[] = []
  for (const open of accounts) people.push(await open())
  return [...guests, ...people]
}

async function newGuest(ask: Ask, name: string): Promise<Person> {
  const { access_token: token, user_id: userId } = await ask({ method: 'POST', path: '/v1/auth/guest' })
  return { name, role: 'guest', userId, token, mark: newMark() }
}

/** An account's token ends after an hour. */
export async function logInAgain(ask: Ask, people: readonly Person[]): Promise<void> {
  for (const person of people) if (person.role !== 'guest') Object.assign(person, await logIn(ask, person.mark))
}

async function logIn(ask: Ask, mark: string): Promise<{ token: string; userId: string }> {
  const body = { email: `${mark}@example.org`, password }
  const { access_token: token, user_id: userId } = await ask({ path: '/v1/auth/login', body })
  return { token, userId }
}
