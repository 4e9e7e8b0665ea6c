/**
 * What goes through the log: a CloudEvents 1.0 JSON event. `contracts/messages.ts` says which there are and what their data
 * is; here they are only carried.
 */
export type Message<Type extends string = string, Data extends object = object> = {
  specversion: '1.0'
  /** The same each time the message is made from its row, so that who has seen it knows it again. */
  id: string
  /** URI reference of the context in which it happened. */
  source: string
  type: Type
  /** The thing that changed. */
  subject: string
  /** RFC 3339, UTC. */
  time: string
  datacontenttype: 'application/json'
  /** Messages of one key stay in one partition of a log that has some. */
  partitionkey: string
  /** Counts the changes of the subject. */
  revision: number
  /** W3C trace context of what began it. */
  traceparent?: string
  data: Data
}

/** `part` tells apart what one change became: 0 is the change itself, then its parts in their order. */
export function messageId(subject: string, revision: number, type: string, part = 0): string {
  return part === 0 ? `${subject}.${revision}.${type}` : `${subject}.${revision}.${type}.${part}`
}

/** By key, subject and revision. A stable sort leaves the parts of one change in their order. */
export function inOrder(messages: Message[]): Message[] {
  return messages.sort(
    (a, b) => compare(a.partitionkey, b.partitionkey) || compare(a.subject, b.subject) || a.revision - b.revision,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
