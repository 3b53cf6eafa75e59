import { readSync } from 'node:fs'

/** One line of trouble, as it is shown. */
export interface Trouble {
  /** ISO 8601; of what has no time of its own: when it was seen. */
  readonly time: string
  readonly text: string
  /** How often the same was said one after the other. */
  readonly times: number
}

const mostKept = 50
/** Of what came since the last look: whoever says more has said the same many times. */
const mostBytes = 256 << 10
const longestLine = 1000
/** Warnings and worse, in pino's numbers. */
const warning = 40
const words: Readonly<Record<number, string>> = { 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' }
const shownElsewhere: readonly string[] = ['pid', 'hostname', 'level', 'time', 'name', 'msg']

/**
 * The last trouble in a log that others write: lines of level warning and above, and every line that is none of
 * our log, for programs in a pipeline say only what is wrong.
 */
export class LogTrouble {
  readonly #fd: number
  #at: number
  #open = ''
  #found: Trouble[] = []

  /** @param at where the part of the log begins that is looked at */
  constructor(fd: number, at: number) {
    this.#fd = fd
    this.#at = at
  }

  /** Newest last. */
  get last(): readonly Trouble[] {
    return this.#found
  }

  /** @param size of the log now; less than at the last look when it was emptied meanwhile */
  look(size: number, now: string): void {
    if (size < this.#at) this.#at = 0
    const isSkipping = size - this.#at > mostBytes
    if (isSkipping) {
      this.#at = size - mostBytes
      this.#open = ''
    }
    const buffer = Buffer.alloc(size - this.#at)
    const bytes = buffer.length === 0 ? 0 : readSync(this.#fd, buffer, 0, buffer.length, this.#at)
    this.#at += bytes
    const lines = (this.#open + buffer.toString('utf8', 0, bytes)).split('\n')
    this.#open = (lines.pop() ?? '').slice(0, mostBytes)
    // Behind what was skipped comes the rest of some line.
    for (const line of isSkipping ? lines.slice(1) : lines) this.#take(line, now)
  }

  #take(line: string, now: string): void {
    const { text, time = now } = troubleIn(line) ?? {}
    if (text === undefined) return
    const last = this.#found.at(-1)
    if (last?.text === text) {
      this.#found[this.#found.length - 1] = { text, time, times: last.times + 1 }
      return
    }
    this.#found.push({ text, time, times: 1 })
    if (this.#found.length > mostKept) this.#found.shift()
  }
}

/** @returns undefined for what is no trouble */
function troubleIn(line: string): { text: string; time?: string } | undefined {
  if (line.trim() === '') return undefined
  const entry = line.startsWith('{') ? parsed(line) : undefined
  if (entry === undefined) return { text: line.slice(0, longestLine) }
  const { level, time, name, msg } = entry
  if (typeof level !== 'number' || level < warning) return undefined
  const facts = Object.entries(entry)
    .filter(([key]) => !shownElsewhere.includes(key))
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const text = `${String(name)}: ${words[level] ?? ''}${String(msg)}${facts.join('')}`
  return { text: text.slice(0, longestLine), ...(typeof time === 'string' ? { time } : {}) }
}

/** @returns undefined for what is not of our log */
function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>>
    return 'level' in value && 'msg' in value ? value : undefined
  } catch {
    return undefined
  }
}
