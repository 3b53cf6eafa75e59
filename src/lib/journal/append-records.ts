import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { ExitCode, FionaError } from '../error/index.ts'
import { LineSplitter, maxLineBytes } from '../record/index.ts'
import { whatIsWrong } from './check-lines.ts'
import type { JournalWriter } from './journal-writer.ts'

/** Called with the place (`line 3`) of what was not taken. */
export type Refuse = (where: string, why: FionaError) => void

/**
 * Appends each line of a stream that is a record, and goes on after one that is not. What has come is made
 * durable while the next is read, all of it when the writer is closed.
 * @returns how many lines were refused
 */
export async function appendInput(
  writer: JournalWriter,
  input: Readable,
  signal: AbortSignal,
  refuse: Refuse,
): Promise<number> {
  const lines = new CheckedLines(refuse)
  let syncing: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  const put = async (bytes: Buffer): Promise<void> => {
    if (failure !== undefined) throw failure.error
    if (bytes.length === 0) return
    await writer.write(bytes)
    syncing ??= writer
      .sync()
      .catch((error: unknown) => {
        failure = { error }
      })
      .finally(() => {
        syncing = undefined
      })
  }
  const stop = (): void => {
    input.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of input) await put(lines.push(chunk as Buffer))
  } catch (error) {
    // Stopped: what came is kept, half a line is nobody's record.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (!signal.aborted) await put(lines.end())
  await syncing
  if (failure !== undefined) throw failure.error
  return lines.refused
}

/**
 * Appends the records of files: each holds NDJSON, or one record in any layout. Durable when the writer is
 * closed.
 * @throws FionaError E_INPUT when a file cannot be read; what came before it is appended
 */
export async function appendFiles(
  writer: JournalWriter,
  paths: readonly string[],
  refuse: Refuse,
): Promise<number> {
  let refused = 0
  for (const path of paths) {
    let content: Buffer
    try {
      content = await readFile(path)
    } catch (error) {
      throw new FionaError(
        'E_INPUT',
        `${path} cannot be read (${String((error as NodeJS.ErrnoException).code)})`,
        {
          exitCode: ExitCode.badInput,
          cause: error,
        },
      )
    }
    if (whatIsWrong(content) === undefined) {
      await writer.append(JSON.stringify(JSON.parse(content.toString())))
      continue
    }
    const lines = new CheckedLines((where, why) => {
      refuse(`${path}: ${where}`, why)
    })
    await writer.appendLines(Buffer.concat([lines.push(content), lines.end()]))
    refused += lines.refused
  }
  return refused
}

/** Bytes to the lines among them that are records; blank lines are left out, others are refused by number. */
class CheckedLines {
  refused = 0
  #number = 0
  #splitter = new LineSplitter(maxLineBytes)
  #refuse: Refuse

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  push(chunk: Buffer): Buffer {
    const taken: Buffer[] = []
    for (const line of this.#splitter.push(chunk)) this.#check(line, taken)
    return Buffer.concat(taken)
  }

  end(): Buffer {
    const taken: Buffer[] = []
    const last = this.#splitter.end()
    if (last !== undefined) this.#check(last, taken)
    return Buffer.concat(taken)
  }

  #check(line: Buffer | FionaError, taken: Buffer[]): void {
    this.#number++
    if (!(line instanceof FionaError) && line.length === 0) return
    const wrong =
      line instanceof FionaError
        ? new FionaError(line.code, `longer than ${maxLineBytes} bytes`)
        : whatIsWrong(line)
    if (wrong === undefined) {
      taken.push(line as Buffer, newline)
      return
    }
    this.refused++
    this.#refuse(`line ${this.#number}`, wrong)
  }
}

const newline = Buffer.from('\n')
