import { ExitCode, FionaError } from '../error/index.ts'
import { readTextFile, writeFileAtomic } from '../storage/index.ts'
import type { Endpoint, HttpAnswer } from './http-post.ts'
import { notUnderstood } from './redcap-error.ts'

/** What was asked and what came back, without token and without what might be of a person. */
interface Exchange {
  readonly request: Readonly<Record<string, string>>
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface Recording {
  readonly between: (endpoint: Endpoint) => Endpoint
  /** Writes the file: whole, or not at all. */
  save(): Promise<void>
}

/**
 * Listens in on a real REDCap, so that a site can have what its server says looked at elsewhere, or test a change
 * against it. The token is left out, and every value of a record becomes a placeholder: the same one for the same value.
 */
export function recordExchanges(path: string): Recording {
  const exchanges: Exchange[] = []
  const mask = new Mask()
  return {
    between: (endpoint) => ({
      close: () => endpoint.close(),
      async post(form, signal) {
        const answer = await endpoint.post(form, signal)
        const token = form.get('token') ?? ''
        exchanges.push({
          request: mask.form(form),
          status: answer.status,
          contentType: answer.contentType,
          body: mask.body(form.get('content') ?? '', withoutToken(answer.body.toString(), token)),
        })
        return answer
      },
    }),
    async save() {
      const text = exchanges.map((one) => `${JSON.stringify({ v: 1, ...one })}\n`).join('')
      await writeFileAtomic(path, text, { mode: 0o600 })
    },
  }
}

/**
 * Answers as was recorded; nothing goes out. Of several answers to one question each comes in its turn, the last again
 * and again.
 * @throws FionaError E_REDCAP_RECORDING (exit 65)
 */
export async function replayExchanges(path: string): Promise<Recording['between']> {
  const text = await readTextFile(path, {
    code: 'E_REDCAP_RECORDING',
    what: 'recording',
    hint: 'make one with --record',
    exitCode: ExitCode.badInput,
    mostMebibytes: 256,
  })
  const answers = new Map<string, HttpAnswer[]>()
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const { request, status, contentType, body } = parseExchange(line, `${path}:${String(at + 1)}`)
    const known = answers.get(keyOf(request)) ?? []
    known.push({ status, contentType, retryAfterSeconds: undefined, body: Buffer.from(body) })
    answers.set(keyOf(request), known)
  }
  return (endpoint) => ({
    close: () => endpoint.close(),
    async post(form) {
      const found = answers.get(keyOf(Object.fromEntries(form)))
      const answer = found !== undefined && found.length > 1 ? found.shift() : found?.[0]
      if (answer !== undefined) return answer
      throw notUnderstood(
        'the recording',
        `${form.get('content') ?? 'this'} was not asked when it was made`,
      )
    },
  })
}

function parseExchange(line: string, where: string): Exchange {
  try {
    const { request, status, contentType, body } = JSON.parse(line) as Partial<Exchange>
    if (typeof request === 'object' && typeof status === 'number' && typeof body === 'string') {
      return { request, status, contentType: contentType ?? '', body }
    }
  } catch {
    // As any other line that is none.
  }
  throw new FionaError('E_REDCAP_RECORDING', `${where} is no recorded exchange`, {
    hint: 'make a recording with --record',
    exitCode: ExitCode.badInput,
  })
}

/** What a question is known by again: not when it was asked, nor what was to be written. */
const fleeting = new Set(['token', 'data', 'dateRangeBegin'])

function keyOf(form: Readonly<Record<string, string>>): string {
  const lasting = Object.entries(form).filter(([name]) => !fleeting.has(name))
  return JSON.stringify(lasting.sort(([one], [other]) => (one < other ? -1 : 1)))
}

function withoutToken(text: string, token: string): string {
  return token === '' ? text : text.replace(new RegExp(token, 'gi'), '[token]')
}

/** What a row may keep: how it is numbered and marked tells nothing of a person. */
const plainName = /^redcap_|_complete$|___/
const plainValue = /^[01]?$/
/** Questions about the project itself; its settings may name people. */
const ofTheProject = new Set(['metadata', 'repeatingFormsEvents', 'event', 'version'])

class Mask {
  readonly #names = new Map<string, string>()

  form(form: URLSearchParams): Record<string, string> {
    return Object.fromEntries(
      [...form].flatMap(([name, value]): [string, string][] => {
        if (name === 'token' || name === 'data') return []
        return [[name, name.startsWith('records[') ? this.#of(value) : value]]
      }),
    )
  }

  body(content: string, text: string): string {
    if (ofTheProject.has(content)) return text
    try {
      return JSON.stringify(this.#value(JSON.parse(text), ''))
    } catch {
      // HTML, or half an answer: how it begins is what matters of it.
      return text
        .slice(0, 200)
        .replace(/[\w.-]{6,}/g, (word) => (/\d/.test(word) ? this.#of(word) : word))
    }
  }

  #value(value: unknown, name: string): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#value(one, name))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, this.#value(one, key)]),
      )
    }
    if (plainName.test(name) || name === 'count') return value
    if (typeof value === 'boolean' || value === null) return value
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return plainValue.test(text) ? value : this.#of(text)
  }

  /** UIDs stay UIDs, days days: what reads them goes on as it did. */
  #of(value: string): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const number = this.#names.size + 1
    const made = /^[0-9]+(?:\.[0-9]+){3,}$/.test(value)
      ? `2.25.${String(number)}`
      : /^\d{4}-?\d\d-?\d\d/.test(value)
        ? '2001-01-01'
        : `value${String(number)}`
    this.#names.set(value, made)
    return made
  }
}
