import { hash } from 'node:crypto'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import {
  makeDirectories,
  readIfThere,
  removeDeadTemporaries,
  writeFileAtomic,
} from '../storage/index.ts'
import { emptyNote, type StudyNote } from './study-note.ts'

/** Notes of one machine hold identifiers: for the service account alone. */
const mode = 0o600
const directoryMode = 0o700

/**
 * The notes of all studies, and which of them REDCap does not have yet. On disk there is a file for each study, and for
 * each that waits a second one, which is there before the note is changed and goes when it was written: killed at any
 * moment, what waits is known again, and what is written twice is harmless. A note is of a few kilobytes however long
 * REDCap is down, and memory holds the names of what waits alone.
 */
export class NoteStore {
  readonly #directory: string | undefined
  /** Without a directory: the notes themselves. */
  readonly #memory = new Map<string, StudyNote>()
  readonly #requests = new Map<string, string>()
  /** What waits, the longest first: by StudyInstanceUID, how often it was changed, and since when (ms since 1970). */
  readonly #waiting = new Map<string, { readonly changes: number; readonly since: number }>()
  /** By study: the end of what is being done to its note. */
  readonly #turns = new Map<string, Promise<void>>()

  private constructor(directory: string | undefined) {
    this.#directory = directory
  }

  /** @param directory undefined: memory is all there is */
  static async open(directory: string | undefined): Promise<NoteStore> {
    const store = new NoteStore(directory)
    if (directory === undefined) return store
    for (const name of ['notes', 'waiting', 'requests']) {
      await makeDirectories(join(directory, name), { mode: directoryMode })
    }
    await removeDeadTemporaries(join(directory, 'waiting'))
    for (const one of await listWaiting(directory)) {
      store.#waiting.set(one.StudyInstanceUID, { changes: 1, since: one.since })
    }
    return store
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Milliseconds since 1970: since when what waits longest does so. */
  get waitingSince(): number | undefined {
    const [first] = this.#waiting.values()
    return first?.since
  }

  /** Those that wait longest, and which state of them is meant. */
  oldest(
    most: number,
    isDue: (StudyInstanceUID: string) => boolean,
  ): { readonly StudyInstanceUID: string; readonly changes: number }[] {
    const found: { StudyInstanceUID: string; changes: number }[] = []
    for (const [StudyInstanceUID, { changes }] of this.#waiting) {
      if (found.length === most) break
      if (isDue(StudyInstanceUID)) found.push({ StudyInstanceUID, changes })
    }
    return found
  }

  async read(StudyInstanceUID: string): Promise<StudyNote> {
    if (this.#directory === undefined) {
      return this.#memory.get(StudyInstanceUID) ?? emptyNote(StudyInstanceUID)
    }
    const text = await readIfThere(notePath(this.#directory, StudyInstanceUID))
    return (text === undefined ? undefined : parseNote(text)) ?? emptyNote(StudyInstanceUID)
  }

  /** Durable when it resolves. It then waits for REDCap, if it is another note than before. */
  change(StudyInstanceUID: string, how: (note: StudyNote) => StudyNote): Promise<void> {
    return this.#inTurn(StudyInstanceUID, async () => {
      const note = await this.read(StudyInstanceUID)
      const changed = how(note)
      if (JSON.stringify(changed) === JSON.stringify(note)) return
      const known = this.#waiting.get(StudyInstanceUID)
      const since = known?.since ?? Date.now()
      if (this.#directory !== undefined && known === undefined) {
        const text = `${JSON.stringify({ v: 1, StudyInstanceUID, since })}\n`
        await writeFileAtomic(waitingPath(this.#directory, StudyInstanceUID), text, { mode })
        faultPoint('redcap.waits')
      }
      await this.#write(changed)
      // Only now: who reads it for what it was after so many changes must find them in it.
      this.#waiting.set(StudyInstanceUID, { changes: (known?.changes ?? 0) + 1, since })
    })
  }

  /** It was written, as it was after so many changes: one that was changed meanwhile waits on; `waits`: in any case. */
  written(
    StudyInstanceUID: string,
    changes: number | 'waits',
    how: (note: StudyNote) => StudyNote,
  ): Promise<void> {
    return this.#inTurn(StudyInstanceUID, async () => {
      const note = await this.read(StudyInstanceUID)
      const changed = how(note)
      if (JSON.stringify(changed) !== JSON.stringify(note)) await this.#write(changed)
      if (this.#waiting.get(StudyInstanceUID)?.changes !== changes) return
      this.#waiting.delete(StudyInstanceUID)
      if (this.#directory === undefined) return
      await rm(waitingPath(this.#directory, StudyInstanceUID), { force: true })
      faultPoint('redcap.written')
    })
  }

  /** Which study a request is for, for what the journals say of it later. Durable when it resolves. */
  async keepRequest(requestId: string, StudyInstanceUID: string): Promise<void> {
    if (this.#directory === undefined) {
      this.#requests.set(requestId, StudyInstanceUID)
      return
    }
    const path = requestPath(this.#directory, requestId)
    if ((await readIfThere(path)) === StudyInstanceUID) {
      // It is in use: pruning goes by its time.
      const now = new Date()
      await utimes(path, now, now)
      return
    }
    await makeDirectories(join(path, '..'), { mode: directoryMode })
    await writeFileAtomic(path, StudyInstanceUID, { mode })
  }

  async studyOf(requestId: string): Promise<string | undefined> {
    if (this.#directory === undefined) return this.#requests.get(requestId)
    const text = await readIfThere(requestPath(this.#directory, requestId))
    return text !== undefined && /^[0-9.]{1,64}$/.test(text) ? text : undefined
  }

  /**
   * Forgets what REDCap has and what nobody has spoken of for long.
   * @param before ms since 1970: what was changed later stays
   * @returns how many notes
   */
  async prune(before: number, signal: AbortSignal): Promise<number> {
    const directory = this.#directory
    if (directory === undefined) return 0
    let pruned = 0
    for await (const path of oldFiles(join(directory, 'notes'), before, signal)) {
      const text = await readIfThere(path)
      const uid = text === undefined ? undefined : parseNote(text)?.StudyInstanceUID
      // What cannot be read is no note, and nobody asks for it.
      if (uid === undefined) await rm(path, { force: true })
      else {
        await this.#inTurn(uid, async () => {
          if (this.#waiting.has(uid) || !(await isOlder(path, before))) return
          await rm(path, { force: true })
          pruned += 1
        })
      }
    }
    for await (const path of oldFiles(join(directory, 'requests'), before, signal)) {
      await rm(path, { force: true })
    }
    return pruned
  }

  async #write(note: StudyNote): Promise<void> {
    if (this.#directory === undefined) {
      this.#memory.set(note.StudyInstanceUID, note)
      return
    }
    const path = notePath(this.#directory, note.StudyInstanceUID)
    await makeDirectories(join(path, '..'), { mode: directoryMode })
    await writeFileAtomic(path, `${JSON.stringify(note)}\n`, { mode })
    faultPoint('redcap.noted')
  }

  /** A note is read, changed and written by one at a time. */
  #inTurn(StudyInstanceUID: string, what: () => Promise<void>): Promise<void> {
    const mine = (this.#turns.get(StudyInstanceUID) ?? Promise.resolve()).then(what)
    const done = mine
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(StudyInstanceUID) === done) this.#turns.delete(StudyInstanceUID)
      })
    this.#turns.set(StudyInstanceUID, done)
    return mine
  }
}

/** Those that wait, the longest first; what a crash left half-written is none. */
export async function listWaiting(
  directory: string,
): Promise<{ readonly StudyInstanceUID: string; readonly since: number }[]> {
  const folder = join(directory, 'waiting')
  const names = await readdir(folder).catch(() => [])
  const found: { StudyInstanceUID: string; since: number }[] = []
  for (const name of names.filter((each) => each.endsWith('.json'))) {
    try {
      const { StudyInstanceUID, since } = JSON.parse(
        await readFile(join(folder, name), 'utf8'),
      ) as Record<string, unknown>
      if (typeof StudyInstanceUID === 'string' && typeof since === 'number') {
        found.push({ StudyInstanceUID, since })
      }
    } catch (error) {
      // Written and taken away while this looks.
      if (!(error instanceof SyntaxError) && !isMissing(error)) throw error
    }
  }
  return found.sort((one, other) => one.since - other.since)
}

/** Of two levels of folders. */
async function* oldFiles(
  root: string,
  before: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const folder of await readdir(root).catch(() => [])) {
    for (const name of await readdir(join(root, folder)).catch(() => [])) {
      if (signal.aborted) return
      const path = join(root, folder, name)
      if (await isOlder(path, before)) yield path
    }
  }
}

async function isOlder(path: string, before: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && found.isFile() && found.mtimeMs < before
}

/** Names tell nothing, and cannot lead out of the directory. */
function digestOf(text: string): string {
  return hash('sha256', text).slice(0, 40)
}

function notePath(directory: string, StudyInstanceUID: string): string {
  const digest = digestOf(StudyInstanceUID)
  return join(directory, 'notes', digest.slice(0, 2), `${digest}.json`)
}

function waitingPath(directory: string, StudyInstanceUID: string): string {
  return join(directory, 'waiting', `${digestOf(StudyInstanceUID)}.json`)
}

function requestPath(directory: string, requestId: string): string {
  const digest = digestOf(requestId)
  return join(directory, 'requests', digest.slice(0, 2), digest)
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function parseNote(text: string): StudyNote | undefined {
  try {
    const note = JSON.parse(text) as Partial<StudyNote>
    const isWhole = note.v === 1 && typeof note.StudyInstanceUID === 'string'
    return isWhole ? (note as StudyNote) : undefined
  } catch {
    return undefined
  }
}
