import { type Static, Type } from 'typebox'
import { actorRoles } from './actor.ts'

const email = Type.String({
  description: 'Mail address; upper and lower case are the same.',
  minLength: 3,
  maxLength: 254,
})

/** As the only factor (NIST SP 800-63B-4). No rules on kinds of characters: they make passwords worse. */
const newPassword = Type.String({
  description: '15 to 256 characters, any of them. A sentence is a good password.',
  minLength: 15,
  maxLength: 256,
})

const personName = Type.String({ minLength: 1, maxLength: 200 })

const accountRole = Type.Enum(
  actorRoles.filter(role => role !== 'guest'),
  { description: 'What the account may do.' },
)

export const Signup = Type.Object({ email, password: newPassword, name: personName }, { additionalProperties: false })
export type Signup = Static<typeof Signup>

export const Login = Type.Object(
  { email: Type.String({ minLength: 1, maxLength: 254 }), password: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
)
export type Login = Static<typeof Login>

const tokenFields = {
  access_token: Type.String({ description: 'Send it as `Authorization: Bearer <access_token>`.' }),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds until the access token ends.' }),
  user_id: Type.String(),
}
export const GuestSession = Type.Object(tokenFields)
export const AccountSession = Type.Object({ ...tokenFields, refresh_token: Type.String() })
export type GuestSession = Static<typeof GuestSession>
export type AccountSession = Static<typeof AccountSession>

export const Me = Type.Object({
  user_id: Type.String(),
  role: Type.String(),
  email: Type.Optional(Type.String({ description: 'Absent for a guest, as are name and created_at.' })),
  name: Type.Optional(Type.String()),
  created_at: Type.Optional(Type.String({ format: 'date-time' })),
})
export type Me = Static<typeof Me>

export const NewStaff = Type.Object(
  { email, name: personName, role: accountRole, password: newPassword },
  { additionalProperties: false },
)
export type NewStaff = Static<typeof NewStaff>

export const StaffChange = Type.Object({ role: accountRole }, { additionalProperties: false })
export type StaffChange = Static<typeof StaffChange>

export const Account = Type.Object({
  user_id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  role: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
})
export type Account = Static<typeof Account>
