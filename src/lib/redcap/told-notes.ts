import type { NoteStore } from './note-store.ts'
import type { StudyNote } from './study-note.ts'

/** What a hook was told, as a change of a note; undefined where it is about nothing that is known. */
export type Told = (studyOf: (requestId: string) => Promise<string | undefined>) => Promise<
  | {
      readonly study: string
      readonly how: (note: StudyNote) => StudyNote
      /** It is for that study: for what is told of it later. */
      readonly requestId?: string
    }
  | undefined
>

/** So many files are synced beside each other: a disk does them together. */
const mostAtOnce = 16

/** What hooks tell at once, and in which order, brought to disk one after the other. */
export class ToldNotes {
  readonly #news: (studies: Iterable<string>) => void
  #store: NoteStore | undefined
  /** In order, and not on disk yet. */
  readonly #told: Told[] = []
  #syncing: Promise<void> = Promise.resolve()

  /** @param news gets the studies whose notes have changed */
  constructor(news: (studies: Iterable<string>) => void) {
    this.#news = news
  }

  /** What was told before is kept until then. */
  open(store: NoteStore): void {
    this.#store = store
  }

  tell(what: Told): void {
    this.#told.push(what)
    // Without marks nobody asks; what goes wrong is said by the sync that is waited for.
    void this.sync().catch(() => undefined)
  }

  /** @throws what the disk says: then a mark must not pass */
  sync(): Promise<void> {
    const mine = this.#syncing.then(() => this.#writeDown())
    this.#syncing = mine.catch(() => undefined)
    return mine
  }

  /** All that was told so far: of one study in order and in one writing, of several beside each other. */
  async #writeDown(): Promise<void> {
    const store = this.#store
    const told = this.#told.slice()
    if (store === undefined || told.length === 0) return
    const requests = new Map<string, string>()
    const changes = new Map<string, ((note: StudyNote) => StudyNote)[]>()
    for (const one of told) {
      const change = await one(async (id) => requests.get(id) ?? (await store.studyOf(id)))
      if (change === undefined) continue
      const { study, how, requestId } = change
      if (requestId !== undefined) requests.set(requestId, study)
      changes.set(study, [...(changes.get(study) ?? []), how])
    }
    await inParallel([...requests], ([requestId, study]) => store.keepRequest(requestId, study))
    await inParallel([...changes], ([study, hows]) =>
      store.change(study, (note) => hows.reduce((so, how) => how(so), note)),
    )
    this.#told.splice(0, told.length)
    this.#news(changes.keys())
  }
}

async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values()
  const workers = Array.from({ length: Math.min(mostAtOnce, items.length) }, async () => {
    for (const item of rest) await work(item)
  })
  await Promise.all(workers)
}
