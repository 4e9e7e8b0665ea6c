import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Account, AccountSession, GuestSession, Login, Me, NewStaff, Signup, StaffChange } from '#contracts/identity.ts'
import type { Clock } from '#kernel/clock.ts'
import { parseId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import { sendInvalid, sendProblem } from '#platform/http/problem.ts'
import type { Routes } from '#platform/http/server.ts'
import type { Idempotently } from '#platform/idempotency/index.ts'
import { tellLimit } from '#platform/limits/headers.ts'
import type { Database } from '#platform/postgres/database.ts'
import { accountErrors } from './accounts/account-fields.ts'
import { logIn } from './accounts/log-in.ts'
import type { LimitOutcome, LoginLimits } from './accounts/login-limits.ts'
import type { Passwords } from './accounts/password.ts'
import type { GuestSession as OpenedGuest, AccountSession as OpenedSession, Sessions } from './accounts/sessions.ts'
import { signUp } from './accounts/sign-up.ts'
import { findUser, type User } from './accounts/users.ts'
import { changeRole } from './staff/change-role.ts'
import { createStaff } from './staff/create-staff.ts'
import type { EndedSessions } from './tokens/ended-sessions.ts'

export type IdentityPorts = {
  db: Database
  clock: Clock
  random: Random
  passwords: Passwords
  sessions: Sessions
  ended: EndedSessions
  limits: LoginLimits
  idempotently: Idempotently
}

const tags = ['Identity']
const staffParams = Type.Object({ user_id: Type.String() })

/** `/v1/auth`, `/v1/me` and `/v1/staff`. */
export function identityRoutes(ports: IdentityPorts): Routes {
  const { db, passwords, sessions, ended, limits, idempotently } = ports
  return app => {
    app.post(
      '/v1/auth/guest',
      {
        config: { traffic: 'join' },
        schema: {
          tags,
          operationId: 'openGuestSession',
          summary: 'Get a guest token',
          response: { 201: GuestSession },
        },
      },
      (_request, reply) => {
        personal(reply).status(201).send(guestView(sessions.openForGuest()))
      },
    )

    app.post(
      '/v1/auth/signup',
      {
        config: { traffic: 'join', problems: ['email-taken', 'rate-limited'] },
        schema: {
          tags,
          operationId: 'signUp',
          summary: 'Open an account',
          body: Signup,
          response: { 201: AccountSession },
        },
      },
      async (request, reply) => {
        if (isOver(limits.signup(request.ip), request, reply)) return reply
        const errors = accountErrors(request.body)
        if (errors.length > 0) return sendInvalid(request, reply, errors)
        const outcome = await signUp(ports, request.body)
        if (!outcome.ok) return sendProblem(request, reply, outcome.code)
        return personal(reply).status(201).send(accountView(outcome.value))
      },
    )

    app.post(
      '/v1/auth/login',
      {
        config: { traffic: 'join', problems: ['invalid-credentials', 'rate-limited'] },
        schema: { tags, operationId: 'logIn', summary: 'Log in', body: Login, response: { 200: AccountSession } },
      },
      async (request, reply) => {
        const { email } = request.body
        if (isOver(limits.login(email, request.ip), request, reply)) return reply
        const outcome = await logIn(ports, request.body)
        if (!outcome.ok) return sendProblem(request, reply, outcome.code)
        limits.loginSucceeded(email, request.ip)
        return personal(reply).send(accountView(outcome.value))
      },
    )

    app.get(
      '/v1/me',
      { config: { access: 'any' }, schema: { tags, operationId: 'getMe', summary: 'Who am I', response: { 200: Me } } },
      async (request, reply) => {
        const { userId, role } = request.actor!
        if (role === 'guest') return personal(reply).send({ user_id: userId, role })
        const user = await findUser(db, userId)
        return user === null ? sendProblem(request, reply, 'invalid-token') : personal(reply).send(userView(user))
      },
    )

    app.post(
      '/v1/staff',
      {
        config: { access: ['admin'], problems: ['email-taken', 'idempotency-key-reused'] },
        schema: {
          tags,
          operationId: 'createStaff',
          summary: 'Open an account for a member of staff',
          body: NewStaff,
          response: { 201: Account },
        },
      },
      async (request, reply) => {
        const errors = accountErrors(request.body)
        if (errors.length > 0) return sendInvalid(request, reply, errors)
        const passwordHash = await passwords.hash(request.body.password)
        return idempotently(request, reply, async tx => {
          const outcome = await createStaff(tx, ports, { ...request.body, passwordHash })
          return outcome.ok ? { status: 201, body: userView(outcome.value) } : { problem: outcome.code }
        })
      },
    )

    app.patch(
      '/v1/staff/:user_id',
      {
        config: { access: ['admin'], problems: ['not-found', 'last-administrator', 'idempotency-key-reused'] },
        schema: {
          tags,
          operationId: 'changeStaff',
          summary: 'Change the role of an account; ends its sessions',
          params: staffParams,
          body: StaffChange,
          response: { 200: Account },
        },
      },
      async (request, reply) => {
        const userId = parseId('usr', request.params.user_id)
        if (userId === null) return sendProblem(request, reply, 'not-found')
        return idempotently(request, reply, async tx => {
          const outcome = await changeRole(tx, userId, request.body.role)
          if (!outcome.ok) return { problem: outcome.code }
          const { sessionVersion } = outcome.value
          return { status: 200, body: userView(outcome.value), afterCommit: () => ended.add(userId, sessionVersion) }
        })
      },
    )
  }
}

function personal<Reply extends { header(name: string, value: string): unknown }>(reply: Reply): Reply {
  reply.header('Cache-Control', 'private, no-store')
  return reply
}

/** Tells the limit; true when it refused and the answer is given. */
function isOver({ limit, verdict }: LimitOutcome, request: FastifyRequest, reply: FastifyReply): boolean {
  tellLimit(reply, limit, verdict)
  if (verdict.allowed) return false
  const { retryAfterSeconds } = verdict
  sendProblem(request, reply, 'rate-limited', { retryAfterSeconds })
  return true
}

function guestView(session: OpenedGuest): GuestSession {
  const { accessToken, expiresIn, userId } = session
  return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn, user_id: userId }
}

function accountView(session: OpenedSession): AccountSession {
  return { ...guestView(session), refresh_token: session.refreshToken }
}

function userView({ userId, email, name, role, createdAt }: User): Account {
  return { user_id: userId, email, name, role, created_at: new Date(createdAt).toISOString() }
}
