import { isUtf8 } from 'node:buffer'
import type { FionaError } from '../error/index.ts'
import type { HttpAnswer } from './http-post.ts'
import { down, forbidden, notUnderstood, refused } from './redcap-error.ts'

/** One row of an export: every value as text, as REDCap holds it. A Map, so that no name is special. */
export type Row = ReadonlyMap<string, string>

/** Rows that are none, or hold what no field can, are left out; how many is told. */
export interface Rows {
  readonly rows: readonly Row[]
  readonly odd: number
}

/** What a notes field holds at most (MySQL TEXT). */
const mostValueLength = 65_535
const mostFields = 5000
/** Of a complaint no more is looked at. */
const mostWords = 20_000

/**
 * What the server said, or what is wrong with it. REDCap answers 200, 400, 401, 403, 404, 406, 500 or 501 and tells
 * mistakes as `{"error": "…"}`; whatever stands in front of it (a proxy, a page for maintenance, one that tells of a
 * banned address) answers HTML, often with status 200.
 * @throws FionaError E_REDCAP_DOWN, E_REDCAP_RIGHTS, E_REDCAP_REFUSED, E_REDCAP_ANSWER
 */
export function readAnswer(project: string, answer: HttpAnswer, form: 'json' | 'text'): unknown {
  const { status, contentType } = answer
  const text = answer.body.toString('utf8')
  const isHtml = /\bhtml\b/i.test(contentType) || /^\s*<(?:!doctype|html|head|body)/i.test(text)
  if (status === 429) throw down('REDCap asks for fewer calls (429)')
  if (status >= 500) throw down(`REDCap has trouble of its own (${String(status)})`)
  if (status >= 300 && status < 400) {
    throw notUnderstood(project, `it sends elsewhere (${String(status)}), which is not followed`)
  }
  if (isHtml && /^\s*</.test(text)) {
    throw down(
      `an HTML page came in place of an answer (${String(status)}): maintenance, a proxy, or this address is banned`,
    )
  }
  const parsed = parse(text)
  const said = errorOf(parsed)
  if (status === 401 || status === 403) {
    throw forbidden(project, plainWords(said ?? `status ${String(status)}`))
  }
  if (status !== 200 || said !== undefined) throw refusalOf(project, status, said)
  // Half of a name with other letters in it would be another name.
  if (!isUtf8(answer.body)) throw notUnderstood(project, 'it is not UTF-8')
  if (form === 'text') return text.trim()
  if (parsed === undefined) throw down('an answer of REDCap is not whole')
  return parsed
}

function refusalOf(project: string, status: number, said: string | undefined): FionaError {
  if (status === 404 && said === undefined) return notUnderstood(project, 'nothing is there (404)')
  return refused(project, plainWords(said ?? `status ${String(status)}`))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function errorOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { error } = value as Record<string, unknown>
  if (error === undefined) return undefined
  return typeof error === 'string' ? error : 'an error without words'
}

/**
 * REDCap's complaints about data are lines of `"record","field","value","what is wrong"`. Record and value may be of
 * a patient: of such a line only the field and the complaint are told.
 */
export function plainWords(said: string): string {
  const text = said.slice(0, mostWords).replace(/\b(?:[0-9a-f]{32}){1,2}\b/gi, '[token]')
  const complaints = [...text.matchAll(/"([^"\n]*)","([a-z0-9_]*)","([^"\n]*)","([^"\n]*)"/g)].map(
    ([, record = '', field = '', value = '', complaint = '']) =>
      `${field}: ${without(complaint, [record, value])}`,
  )
  const words = complaints.length > 0 ? [...new Set(complaints)].join('; ') : withoutQuoted(text)
  return shown(words)
}

function without(text: string, values: readonly string[]): string {
  return values.reduce((rest, value) => (value === '' ? rest : rest.replaceAll(value, '…')), text)
}

/** What an unknown message quotes, or what has as many digits as an identifier. */
function withoutQuoted(text: string): string {
  return text.replace(/"[^"\n]*"/g, '"…"').replace(/\d[\d.]{5,}/g, '…')
}

/** On one line, and no more than a log line should have. */
function shown(text: string): string {
  const line = text
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ')
    .trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}

/** @throws FionaError E_REDCAP_ANSWER when it is no list at all */
export function readRows(project: string, value: unknown): Rows {
  if (!Array.isArray(value)) throw notUnderstood(project, 'a list of records was expected')
  const rows: Row[] = []
  let odd = 0
  for (const one of value as readonly unknown[]) {
    const row = readRow(one)
    if (row === undefined) odd++
    else rows.push(row)
  }
  return { rows, odd }
}

function readRow(value: unknown): Row | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length > mostFields) return undefined
  const row = new Map<string, string>()
  for (const [name, given] of entries) {
    const text = textOf(given)
    if (text === undefined || text.length > mostValueLength) return undefined
    row.set(name, text)
  }
  return row
}

/** REDCap gives numbers now as text and now as numbers. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  return value === null ? '' : undefined
}
