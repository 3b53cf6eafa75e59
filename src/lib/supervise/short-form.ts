import type { AnyRecord } from '../record/index.ts'

/**
 * A record in one line for a person who watches: no identifying value, since the same line may end up
 * in a log. UIDs are shortened to their end, where they differ.
 */
export function shortForm(record: AnyRecord): string | undefined {
  switch (record.type) {
    case 'instance':
      return `received     ${text(record['Modality'] ?? attribute(record, 'Modality'), 'object')} of study ${tail(record['StudyInstanceUID'])}`
    case 'series':
      return `arrived      series ${tail(record['SeriesInstanceUID'])}: ${number(record['instances'])} objects`
    case 'study': {
      const series = Array.isArray(record['series']) ? record['series'].length : 0
      return `arrived      study ${tail(record['StudyInstanceUID'])} revision ${number(record['revision'])}: ${series} series, ${number(record['instances'])} objects; ${types(record['ClassifyType'])}`
    }
    case 'mpps': {
      const series = Array.isArray(record['series']) ? record['series'].length : 0
      return `step         ${text(attribute(record, 'Modality'), '?')} of study ${tail(record['StudyInstanceUID'])}: ${text(record['status'], '?')}, ${series} series`
    }
    case 'release':
      return `released     study ${tail(record['StudyInstanceUID'])}`
    case 'deidentified':
      return `de-identified ${text(record['participant'], '?')}: ${number(record['instances'])} objects`
    case 'held':
      return `held         ${reasons(record['reasons'])}; ${text(record['how'], '')}`
    case 'transfer': {
      const sent = (record['instances'] as { sent?: number; failed?: number } | undefined) ?? {}
      return `delivered    ${number(sent.sent)} sent, ${number(sent.failed)} failed to ${text(record['destination'], '?')}: ${text(record['status'], '?')}`
    }
    case 'error':
      // Its message may name a path or a value of the object.
      return `error        ${text(record['tool'], '?')}: ${text(record['code'], '?')}; fiona-journal cat errors says more`
    default:
      return undefined
  }
}

function attribute(record: AnyRecord, keyword: string): unknown {
  return (record['attributes'] as Readonly<Record<string, unknown>> | undefined)?.[keyword]
}
function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}
function number(value: unknown): string {
  return typeof value === 'number' ? String(value) : '0'
}
function tail(uid: unknown): string {
  return typeof uid === 'string' ? `…${uid.slice(-8)}` : '?'
}
function types(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : 'no types'
}
function reasons(value: unknown): string {
  if (!Array.isArray(value)) return 'for review'
  return (value as { code?: string; count?: number }[])
    .map(({ code, count }) => `${count ?? 1} × ${code ?? '?'}`)
    .join(', ')
}
