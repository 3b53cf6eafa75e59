import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { makeDirectories } from '../../storage/index.ts'

/**
 * Which requests were made of a study: a person who asks knows its UID, and ledgers go by requests. A line for each
 * ledger, only ever added to: some hundred bytes.
 */
export class StudyIndex {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** On stable storage when this returns. */
  async add(StudyInstanceUID: string, requestId: string): Promise<void> {
    await makeDirectories(dirname(this.#path))
    const file = await open(this.#path, 'a', 0o640)
    try {
      // Behind a line that a failing machine tore; one that is empty means nothing.
      await file.write(`\n${JSON.stringify({ StudyInstanceUID, requestId })}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  async requestsOf(StudyInstanceUID: string): Promise<Set<string>> {
    const requests = new Set<string>()
    const input = createReadStream(this.#path, { highWaterMark: 1 << 20 })
    const start = JSON.stringify({ StudyInstanceUID }).slice(0, -1)
    try {
      for await (const line of createInterface({ input, crlfDelay: Infinity })) {
        if (!line.startsWith(start)) continue
        const requestId = requestIn(line)
        if (requestId !== undefined) requests.add(requestId)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    return requests
  }
}

function requestIn(line: string): string | undefined {
  try {
    const { requestId } = JSON.parse(line) as { requestId?: unknown }
    return typeof requestId === 'string' ? requestId : undefined
  } catch {
    return undefined
  }
}
