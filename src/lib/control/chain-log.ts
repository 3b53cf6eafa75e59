import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectories, removeDeadTemporaries, temporaryPath } from '../storage/index.ts'

/** What a chain may have said before its log is put aside, and how many of these are kept. */
const usual = { maxBytes: 16 << 20, kept: 4 }
const copyBytes = 1 << 20

export function chainLogPath(dataDir: string): string {
  return join(dataDir, 'log', 'chain.log')
}

/**
 * Where the chain and its parts write what others write to a terminal. Each part has it open itself, for it
 * may outlive the chain, and so do the programs of a stage, which nobody can ask to open another file. So the file
 * stays, and is emptied after it was copied to `chain.log.1`; all of them append (O_APPEND), and go on at its new
 * beginning. A line that is written within the microseconds between the last look and the emptying is lost; what
 * happened to objects stands in the journals and is not.
 */
export class ChainLog {
  readonly path: string
  /** Open for appending: what the parts get as their stderr. */
  readonly fd: number
  readonly #isOwn: boolean
  readonly #limits: typeof usual

  private constructor(path: string, fd: number, isOwn: boolean, limits: typeof usual) {
    this.path = path
    this.fd = fd
    this.#isOwn = isOwn
    this.#limits = limits
  }

  static async open(dataDir: string, limits = usual): Promise<ChainLog> {
    const path = chainLogPath(dataDir)
    await makeDirectories(dirname(path))
    return new ChainLog(path, openSync(path, 'a+', 0o640), true, limits)
  }

  /** The same for a chain whose stderr it is already, since `fiona-ctl start`; undefined when it is not. */
  static ofStderr(dataDir: string, limits = usual): ChainLog | undefined {
    try {
      const path = chainLogPath(dataDir)
      const [ours, there] = [fstatSync(2), statSync(path)]
      const isSame = ours.isFile() && ours.dev === there.dev && ours.ino === there.ino
      return isSame ? new ChainLog(path, 2, false, limits) : undefined
    } catch {
      return undefined
    }
  }

  get size(): number {
    return fstatSync(this.fd).size
  }

  /** Puts aside what is too long. */
  async keepSmall(): Promise<void> {
    if (this.size < this.#limits.maxBytes) return
    const directory = dirname(this.path)
    await removeDeadTemporaries(directory)
    const temporary = temporaryPath(directory)
    const copy = await open(temporary, 'wx', 0o640)
    const source = await open(this.path, 'r')
    try {
      const buffer = Buffer.alloc(copyBytes)
      let at = 0
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, copyBytes, at)
        await copy.write(buffer, 0, bytesRead, at)
        at += bytesRead
        if (bytesRead < copyBytes) break
      }
      await copy.sync()
      for (let older = this.#limits.kept - 1; older > 0; older--) {
        await rename(`${this.path}.${String(older)}`, `${this.path}.${String(older + 1)}`).catch(
          (error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
          },
        )
      }
      await rename(temporary, `${this.path}.1`)
      // From here on without a pause: what came meanwhile, and then the emptying.
      for (let bytes = 1; bytes > 0; at += bytes) {
        bytes = readSync(source.fd, buffer, 0, copyBytes, at)
        writeSync(copy.fd, buffer, 0, bytes, at)
      }
      ftruncateSync(this.fd, 0)
    } finally {
      await copy.close()
      await source.close()
    }
  }

  close(): void {
    if (this.#isOwn) closeSync(this.fd)
  }
}
