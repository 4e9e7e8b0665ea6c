import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseId } from '#kernel/ids.ts'
import type { Random } from '#kernel/random.ts'
import type { Mailbox, MailId, StoredMail } from '../ports.ts'

export type MailboxFolder = Mailbox & { write(mail: StoredMail, raw: Buffer): Promise<void> }

/**
 * A folder of mails, two files each: `.eml` as it would have gone out, which any mail program opens, and `.json` with its parts,
 * so that showing it needs no MIME parser. Named by the mail's id, which sorts by time, so a mail that is sent again takes its own
 * place. Private to the user of the process: these are people's addresses and tickets.
 */
export function mailboxFolder({ folder, random }: { folder: string; random: Random }): MailboxFolder {
  const pathOf = (mailId: MailId, kind: 'eml' | 'json') => join(folder, `${mailId}.${kind}`)

  return {
    async write(mail, raw) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // A mail is listed by its `.eml`, so that one comes last.
      await writeWhole(pathOf(mail.mailId, 'json'), JSON.stringify(toFile(mail)), random)
      await writeWhole(pathOf(mail.mailId, 'eml'), raw, random)
    },

    async list({ limit, before }) {
      const names = (await orNull(readdir(folder))) ?? []
      const ids = names
        .flatMap(name => (name.endsWith('.eml') ? (parseId('mail', name.slice(0, -4)) ?? []) : []))
        .filter(mailId => before === null || mailId < before)
        .sort()
        .reverse()
      const mails = await Promise.all(ids.slice(0, limit).map(mailId => read(mailId)))
      return { mails: mails.filter(mail => mail !== null), hasMore: ids.length > limit }
    },

    find: read,
    raw: mailId => orNull(readFile(pathOf(mailId, 'eml'))),
  }

  async function read(mailId: MailId): Promise<StoredMail | null> {
    const text = await orNull(readFile(pathOf(mailId, 'json'), 'utf8'))
    return text === null ? null : fromFile(JSON.parse(text) as StoredFile)
  }
}

type StoredFile = Omit<StoredMail, 'attachments'> & {
  attachments: { filename: string; contentType: string; base64: string }[]
}

function toFile(mail: StoredMail): StoredFile {
  return {
    ...mail,
    attachments: mail.attachments.map(({ content, ...named }) => ({ ...named, base64: content.toString('base64') })),
  }
}

function fromFile(file: StoredFile): StoredMail {
  return {
    ...file,
    attachments: file.attachments.map(({ base64, ...named }) => ({ ...named, content: Buffer.from(base64, 'base64') })),
  }
}

/** Under another name first, so that nobody reads half of it and a crash leaves the old one or the new one. */
async function writeWhole(path: string, content: string | Buffer, random: Random): Promise<void> {
  const unfinished = `${path}.${random.bytes(6).toString('hex')}.tmp`
  try {
    await using file = await open(unfinished, 'wx', 0o600)
    await file.writeFile(content)
    await file.sync()
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
