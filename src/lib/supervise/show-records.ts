import type { AnyRecord } from '../record/index.ts'
import { shortForm } from './short-form.ts'

/** Objects come by the thousand: they are counted, and told once a second. */
const countEveryMs = 1000

/** Tells a person, a line an event, what happens in the chain as it happens. */
export class RecordShow {
  readonly #print: (text: string) => Promise<void>
  #objects = 0
  #timer: NodeJS.Timeout | undefined

  constructor(print: (text: string) => Promise<void>) {
    this.#print = print
  }

  show(journal: string, record: AnyRecord): void {
    // `organized` repeats what is in `received`; each thing is shown where it first happens.
    const isRepeated = record.type === 'instance' || record.type === 'mpps'
    if (isRepeated && journal !== 'received') return
    if (record.type === 'instance') {
      this.#objects += 1
      this.#timer ??= setTimeout(() => {
        this.flush()
      }, countEveryMs)
      return
    }
    const text = shortForm(record)
    if (text === undefined) return
    this.flush()
    this.#say(text)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#objects > 0) {
      this.#say(`received      ${this.#objects} ${this.#objects === 1 ? 'object' : 'objects'}`)
    }
    this.#objects = 0
  }

  #say(text: string): void {
    // Nobody reading this any more is no reason to stop the chain.
    this.#print(`${new Date().toTimeString().slice(0, 8)}  ${text}`).catch(() => undefined)
  }
}
