import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import { readAnswer, readRows, type Row } from './answer.ts'
import type { Post } from './http-post.ts'
import { type Pace, pause } from './pace.ts'
import { notUnderstood } from './redcap-error.ts'
import type { Token } from './token.ts'

/** What an export is narrowed to. Without `fields` and `forms` REDCap gives everything. */
export interface ExportOptions {
  readonly fields?: readonly string[]
  readonly forms?: readonly string[]
  readonly events?: readonly string[]
  /** Only these; asked for in portions. An empty list gives nothing and asks nothing. */
  readonly records?: readonly string[]
  /** REDCap's own logic: `[transfer_project_name] <> ''`. */
  readonly filterLogic?: string
  /** Records that were made or changed since; in the time zone of the server: `YYYY-MM-DD HH:MM:SS`. */
  readonly dateRangeBegin?: string
  readonly rawOrLabel?: 'raw' | 'label'
}

/** A row to be written: field names, values as text. */
export type NewRow = Readonly<Record<string, string>>

/** A field of the data dictionary. */
export interface FieldOfProject {
  readonly field_name: string
  readonly form_name: string
  readonly field_type: string
  /** `1, One | 2, Two` */
  readonly choices: string
}

/** An instrument that may be filled in several times; of a longitudinal project, in an event. */
export interface RepeatingForm {
  readonly form_name: string
  readonly event_name: string
}

export interface ProjectOptions {
  /** What it is called in messages: `Incoming`. */
  readonly name: string
  readonly token: Token
  readonly post: Post
  readonly pace: Pace
  readonly log: Pick<Logger, 'debug' | 'warn'>
  /** Tries of one call; what still fails then is the caller's to try later. */
  readonly attempts?: number
  readonly wait?: typeof pause
  /** From 0 to 1: jitter. */
  readonly random?: () => number
}

/** Reading more at once makes an answer that takes long to compute; writing more, a call that is refused as a whole. */
const mostReadAtOnce = 50
const mostWrittenAtOnce = 100
const firstDelayMs = 1000
const longestDelayMs = 30_000

/**
 * One project of a REDCap server, as its API documents it: each call is a POST of a form, and the token in it says
 * which project is meant. Every call may be repeated: records are written under names and instances that are given,
 * so that what is written twice is there once.
 */
export class RedcapProject {
  readonly name: string
  readonly #options: ProjectOptions

  constructor(options: ProjectOptions) {
    this.name = options.name
    this.#options = options
  }

  /** @throws FionaError E_REDCAP_… */
  async exportRecords(options: ExportOptions, signal: AbortSignal): Promise<readonly Row[]> {
    const { records } = options
    if (records === undefined) return this.#export(options, signal)
    const rows: Row[] = []
    for (const portion of portions([...new Set(records)], mostReadAtOnce)) {
      // One by one, as REDCap would compute them one by one, too, and counts every call.
      const found = await this.#export({ ...options, records: portion }, signal)
      for (const row of found) rows.push(row)
    }
    return rows
  }

  /**
   * Upserts. A value that is not named stays as it is.
   * @param blanks what an empty value does: `keep` leaves what is there (`overwriteBehavior=normal`), `clear` empties it
   * @throws FionaError E_REDCAP_…; of several portions those before the failed one are written
   */
  async importRecords(
    rows: readonly NewRow[],
    blanks: 'clear' | 'keep',
    signal: AbortSignal,
  ): Promise<void> {
    for (const portion of portions(rows, mostWrittenAtOnce)) {
      const answer = await this.#call(
        {
          content: 'record',
          action: 'import',
          type: 'flat',
          overwriteBehavior: blanks === 'clear' ? 'overwrite' : 'normal',
          forceAutoNumber: 'false',
          returnContent: 'count',
          data: JSON.stringify(portion),
        },
        'json',
        signal,
      )
      const count = Number((answer as { count?: unknown } | null)?.count ?? answer)
      if (!Number.isInteger(count)) throw notUnderstood(this.name, 'a count was expected')
      // Of what is there already some versions count nothing: it says how much, and never that something is wrong.
      this.#options.log.debug({ redcap: this.name, rows: portion.length, count }, 'written')
    }
  }

  /** The data dictionary. */
  async metadata(signal: AbortSignal): Promise<readonly FieldOfProject[]> {
    const rows = await this.#rows({ content: 'metadata' }, signal)
    return rows.map((row) => ({
      field_name: textIn(row, 'field_name'),
      form_name: textIn(row, 'form_name'),
      field_type: textIn(row, 'field_type'),
      choices: textIn(row, 'select_choices_or_calculations'),
    }))
  }

  /** What repeats. A project in which nothing does says so with an error, which is none. */
  async repeatingForms(signal: AbortSignal): Promise<readonly RepeatingForm[]> {
    try {
      const rows = await this.#rows({ content: 'repeatingFormsEvents' }, signal)
      return rows.map((row) => ({
        form_name: textIn(row, 'form_name'),
        event_name: textIn(row, 'event_name'),
      }))
    } catch (error) {
      if (isRefusal(error)) return []
      throw error
    }
  }

  /** Unique names of the events; of a project that is not longitudinal none (it answers with an error). */
  async events(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const rows = await this.#rows({ content: 'event' }, signal)
      return rows.map((row) => textIn(row, 'unique_event_name')).filter((name) => name !== '')
    } catch (error) {
      if (isRefusal(error)) return []
      throw error
    }
  }

  /** Settings of the project; `project_title` and others. */
  async info(signal: AbortSignal): Promise<Row> {
    const answer = await this.#call({ content: 'project' }, 'json', signal)
    const [row] = readRows(this.name, Array.isArray(answer) ? answer : [answer]).rows
    if (row === undefined) throw notUnderstood(this.name, 'the settings of a project were expected')
    return row
  }

  async version(signal: AbortSignal): Promise<string> {
    return String(await this.#call({ content: 'version' }, 'text', signal))
  }

  /** The name that the next record of an auto-numbered project would get; nobody is kept from taking it meanwhile. */
  async generateNextRecordName(signal: AbortSignal): Promise<string> {
    const name = String(await this.#call({ content: 'generateNextRecordName' }, 'text', signal))
    if (!/^[^\s"']{1,100}$/.test(name)) throw notUnderstood(this.name, 'no name for a record came')
    return name
  }

  async #export(options: ExportOptions, signal: AbortSignal): Promise<readonly Row[]> {
    const { filterLogic, dateRangeBegin, rawOrLabel = 'raw' } = options
    return this.#rows(
      {
        content: 'record',
        action: 'export',
        type: 'flat',
        rawOrLabel,
        rawOrLabelHeaders: 'raw',
        exportCheckboxLabel: 'false',
        ...listed('records', options.records),
        ...listed('fields', options.fields),
        ...listed('forms', options.forms),
        ...listed('events', options.events),
        ...(filterLogic === undefined ? {} : { filterLogic }),
        ...(dateRangeBegin === undefined ? {} : { dateRangeBegin }),
      },
      signal,
    )
  }

  async #rows(
    form: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    const { rows, odd } = readRows(this.name, await this.#call(form, 'json', signal))
    if (odd > 0) {
      const { log } = this.#options
      log.warn(
        { redcap: this.name, content: form['content'], rows: odd },
        'rows that are none were left out',
      )
    }
    return rows
  }

  /** One call, tried again when it may succeed without any change. */
  async #call(
    form: Readonly<Record<string, string>>,
    answerForm: 'json' | 'text',
    signal: AbortSignal,
  ): Promise<unknown> {
    const { attempts = 3, log, pace, wait = pause, random = Math.random } = this.#options
    for (let attempt = 1; ; attempt++) {
      await pace.turn(signal)
      let pauseSeconds: number | undefined
      try {
        const answer = await this.#send(form, signal)
        pauseSeconds = answer.retryAfterSeconds
        return readAnswer(this.name, answer, answerForm)
      } catch (error) {
        signal.throwIfAborted()
        if (!isPassing(error) || attempt >= attempts) throw error
        const grown = Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs)
        // Anything between half and all of it: several who were sent away do not come back together.
        const ms = Math.max(
          grown * (0.5 + random() / 2),
          Math.min((pauseSeconds ?? 0) * 1000, 60_000),
        )
        log.debug({ redcap: this.name, attempt, code: error.code }, error.message)
        await wait(ms, signal)
      }
    }
  }

  async #send(form: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { token, post } = this.#options
    const answer = await post(
      new URLSearchParams({
        token: token.reveal(),
        format: 'json',
        returnFormat: 'json',
        ...form,
      }),
      signal,
    )
    // It may quote what it was sent, and its words come into messages.
    const quoted = answer.body.toString('latin1')
    const clean = token.removeFrom(quoted)
    return clean === quoted ? answer : { ...answer, body: Buffer.from(clean, 'latin1') }
  }
}

/** `fields[0]=a&fields[1]=b`, as PHP reads a list. */
function listed(name: string, values: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries((values ?? []).map((value, at) => [`${name}[${String(at)}]`, value]))
}

function* portions<Item>(items: readonly Item[], most: number): Generator<Item[]> {
  for (let at = 0; at < items.length; at += most) yield items.slice(at, at + most)
}

/** @returns '' for a column that is not there */
export function textIn(row: Row, name: string): string {
  return row.get(name) ?? ''
}

function isRefusal(error: unknown): boolean {
  return error instanceof FionaError && error.code === 'E_REDCAP_REFUSED'
}

/** What a call may be repeated for at once. Rights and certificates do not change within seconds. */
function isPassing(error: unknown): error is FionaError {
  return error instanceof FionaError && error.code === 'E_REDCAP_DOWN'
}
