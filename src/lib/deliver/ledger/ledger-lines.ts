import { close, fdatasync, fstatSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { faultPoint } from '../../fault/index.ts'
import { makeDirectories, syncDirectory, writeAll } from '../../storage/index.ts'
import { unreadable } from './ledger-file.ts'

const fdatasyncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

/** The end of a ledger, while it is written to. */
export class LedgerLines {
  readonly #path: string
  #fd: number
  #needsSync = false
  #isClosed = false
  /** What follows a torn line begins on a line of its own; a disk that is full tears one, too. */
  #isTorn: boolean

  constructor(path: string, isTorn: boolean) {
    this.#path = path
    this.#isTorn = isTorn
    this.#fd = openSync(path, 'a', 0o640)
  }

  append(entry: object): void {
    // Its number may be another file's by now.
    if (this.#isClosed) throw new Error(`${this.#path} was closed before its last line`)
    const line = `${JSON.stringify(entry)}\n`
    this.#write(line)
    // Another process has packed it meanwhile, and removed what we write to.
    if (fstatSync(this.#fd).nlink > 0) return
    const former = this.#fd
    this.#fd = openSync(this.#path, 'a', 0o640)
    close(former)
    this.#write(line)
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return
    this.#needsSync = false
    await fdatasyncAsync(this.#fd)
    faultPoint('ledger.synced')
  }

  close(): Promise<void> {
    this.#isClosed = true
    return closeAsync(this.#fd)
  }

  #write(text: string): void {
    const line = Buffer.from(this.#isTorn ? `\n${text}` : text)
    this.#isTorn = true
    writeAll(this.#fd, line)
    this.#isTorn = false
    this.#needsSync = true
  }
}

/** @throws FionaError E_LEDGER when it is not for us to write */
export async function linesAt(path: string, isNew: boolean, isTorn: boolean): Promise<LedgerLines> {
  try {
    if (isNew) await create(path)
    return new LedgerLines(path, isTorn)
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function create(path: string): Promise<void> {
  await makeDirectories(dirname(path))
  await (await open(path, 'a', 0o640)).close()
  faultPoint('ledger.made')
  await syncDirectory(dirname(path))
}
