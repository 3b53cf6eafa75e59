import { appendFile, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import {
  DirectoryWatch,
  makeDirectories,
  removeDeadTemporaries,
  syncDirectory,
  writeFileAtomic,
} from '../storage/index.ts'
import { isUid, type Uid } from '../uid/index.ts'
import type { Report, Transaction, Transactions } from './transactions.ts'

/**
 * `<dataDir>/transactions/asked/<TransactionUID>.json`, and `reported/` beside it for what came back. Each
 * file has one writer: who asks writes and removes the one, who hears writes the other. Only for a
 * transaction that is open a report is kept: others may send what they like.
 */
export class DiskTransactions implements Transactions {
  readonly #asked: string
  readonly #reported: string
  /** That the directories are there. */
  #made: Promise<void> | undefined

  constructor(dataDir: string) {
    this.#asked = join(dataDir, 'transactions', 'asked')
    this.#reported = join(dataDir, 'transactions', 'reported')
  }

  async begin(transaction: Transaction): Promise<void> {
    await this.#make()
    const path = pathOf(this.#asked, transaction.TransactionUID)
    await writeFileAtomic(path, `${JSON.stringify({ v: 1, ...transaction })}\n`)
    faultPoint('transaction.begun')
  }

  async report(TransactionUID: Uid, report: Report): Promise<boolean> {
    if (!(await isThere(pathOf(this.#asked, TransactionUID)))) return false
    await this.#make()
    const path = pathOf(this.#reported, TransactionUID)
    await writeFileAtomic(path, `${JSON.stringify({ v: 1, ...report })}\n`)
    faultPoint('transaction.reported')
    return true
  }

  reportOf(TransactionUID: Uid): Promise<Report | undefined> {
    return read<Report>(pathOf(this.#reported, TransactionUID))
  }

  async taken(TransactionUID: Uid): Promise<void> {
    // The death of the process does not lose it; that of the machine costs one more question.
    await appendFile(pathOf(this.#asked, TransactionUID), `${JSON.stringify({ isTaken: true })}\n`)
    faultPoint('transaction.asked')
  }

  async find(TransactionUID: Uid): Promise<Transaction | undefined> {
    return read<Transaction>(pathOf(this.#asked, TransactionUID))
  }

  async end(TransactionUID: Uid): Promise<void> {
    // First the question: a report that comes between finds none, and leaves nothing behind.
    await rm(pathOf(this.#asked, TransactionUID), { force: true })
    faultPoint('transaction.ending')
    await rm(pathOf(this.#reported, TransactionUID), { force: true })
  }

  async open(owner: string): Promise<Transaction[]> {
    await this.#make()
    for (const directory of [this.#asked, this.#reported]) await removeDeadTemporaries(directory)
    const open: Transaction[] = []
    const all = new Set(uidsIn(await readdir(this.#asked)))
    for (const TransactionUID of all) {
      const transaction = await this.find(TransactionUID)
      if (transaction?.owner === owner) open.push(transaction)
    }
    for (const TransactionUID of uidsIn(await readdir(this.#reported))) {
      // Its question was removed when somebody died, or while it came.
      if (!all.has(TransactionUID) && !(await isThere(pathOf(this.#asked, TransactionUID)))) {
        await rm(pathOf(this.#reported, TransactionUID), { force: true })
      }
    }
    return open.sort((a, b) => (a.time < b.time ? -1 : 1))
  }

  async watch(onReport: (TransactionUID: Uid) => void, signal: AbortSignal): Promise<void> {
    await this.#make()
    const watch = new DirectoryWatch(this.#reported)
    try {
      while (!signal.aborted) {
        const changes = await watch.changes(signal)
        const names = changes === 'all' ? await readdir(this.#reported) : changes
        for (const TransactionUID of uidsIn(names)) onReport(TransactionUID)
      }
    } finally {
      watch.close()
    }
  }

  #make(): Promise<void> {
    return (this.#made ??= (async () => {
      await makeDirectories(this.#asked)
      await makeDirectories(this.#reported)
      await syncDirectory(this.#reported)
    })())
  }
}

function pathOf(directory: string, TransactionUID: Uid): string {
  return join(directory, `${TransactionUID}.json`)
}

function uidsIn(names: Iterable<string>): Uid[] {
  return [...names].flatMap((name) => {
    const uid = name.endsWith('.json') ? name.slice(0, -'.json'.length) : ''
    return isUid(uid) ? [uid] : []
  })
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    },
  )
}

/** Its lines together. One that is gone, or that somebody damaged, says nothing: the question is asked again. */
async function read<Content>(path: string): Promise<Content | undefined> {
  try {
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    return Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Content
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
