import type { Person } from './cast.ts'
import type { Operation } from './document.ts'
import type { Sent } from './send.ts'
import type { Thing } from './world.ts'

/** One request, with what is known of it before its answer. */
export type Attempt = Sent & {
  index: number
  operation: Operation
  person: Person | null
  /** In words, for who reads a finding. */
  what: string
  /** Nothing is wrong with it but, perhaps, who asks for what. */
  isSound: boolean
  /** The object in its path, if it is one that there is. */
  thing: Thing | null
  /** The text of the `access_url` of that very object came along. */
  hasAccess: boolean
  /** The token is none of ours, has ended, or was sent by a page of another site. */
  isForged: boolean
  /** A body that its documented schema refuses. */
  isWrongBody: boolean
}
