import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { applyRecord, emptyTables, type LedgerRecord, type TableName, type Tables } from './objects.ts'

/**
 * What the sandbox knows, in a file that outlives its process: one line of JSON for each call that changed something. A line is on the
 * disk before its answer leaves; calls that come together share the wait. Read at the start, where it is also written anew in short.
 */
export class Ledger {
  readonly #file: FileHandle
  #waiting: { lines: string; done: () => void; failed: (error: unknown) => void }[] = []
  #writing: Promise<void> | null = null
  #broken: unknown = null

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(folder: string): Promise<{ ledger: Ledger; tables: Tables }> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, 'ledger.jsonl')
    const tables = await readLedger(path)
    await writeWhole(path, tables)
    return { ledger: new Ledger(await open(path, 'a', 0o600)), tables }
  }

  /** Resolves when the records are on the disk. */
  append(records: readonly LedgerRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    if (this.#broken !== null) return Promise.reject(this.#broken)
    return new Promise((done, failed) => {
      this.#waiting.push({ lines: `${JSON.stringify(records)}\n`, done, failed })
      this.#writing ??= this.#write().finally(() => {
        this.#writing = null
      })
    })
  }

  /** Why a line could not be written; null: all could. Whoever holds this must end: what it remembers is more than what is kept. */
  get broken(): unknown {
    return this.#broken
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#waiting
      this.#waiting = []
      try {
        await this.#file.appendFile(together.map(entry => entry.lines).join(''))
        await this.#file.datasync()
        for (const entry of together) entry.done()
      } catch (error) {
        // What this process knows would not be known after its end.
        this.#broken ??= error
        for (const entry of together) entry.failed(error)
      }
    }
  }
}

async function readLedger(path: string): Promise<Tables> {
  const tables = emptyTables()
  const text = await readFile(path, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  // Without its line break the last line was being written when the process died: its call was never answered.
  lines.pop()
  for (const [i, line] of lines.entries()) {
    try {
      for (const record of JSON.parse(line) as LedgerRecord[]) applyRecord(tables, record)
    } catch (cause) {
      throw new Error(`line ${i + 1} of ${path} is damaged; restore the file, or delete it to begin an empty sandbox`, {
        cause,
      })
    }
  }
  return tables
}

async function writeWhole(path: string, tables: Tables): Promise<void> {
  const aside = `${path}.new`
  const file = await open(aside, 'w', 0o600)
  for (const [table, rows] of Object.entries(tables) as [TableName, Map<string, unknown>][]) {
    const lines = [...rows.values()].map(row => `${JSON.stringify([{ table, row }])}\n`)
    for (let i = 0; i < lines.length; i += 1000) await file.appendFile(lines.slice(i, i + 1000).join(''))
  }
  await file.sync()
  await file.close()
  await rename(aside, path)
}
