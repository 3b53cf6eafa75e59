import type { AnyRecord } from '../record/index.ts'

export interface LineQuestions {
  /** Records of this study; of an `error` record, the one that it holds counts. */
  readonly study?: string | undefined
  readonly type?: string | undefined
  /** Milliseconds since 1970: records whose `time` is at or after it. One without a time is not shown. */
  readonly sinceMs?: number | undefined
  /** Records whose `time` is before it. */
  readonly untilMs?: number | undefined
}

/**
 * The lines that answer to every question, or undefined when none is asked. A line is parsed only when
 * its text can fit at all: a journal of millions is searched at the speed of a text search.
 */
export function lineFilter(questions: LineQuestions): ((lines: Buffer) => Buffer) | undefined {
  const { study, type, sinceMs, untilMs } = questions
  if (Object.values(questions).every((question) => question === undefined)) return undefined
  const words = [study, type].flatMap((word) => (word === undefined ? [] : [Buffer.from(word)]))
  return (lines) => {
    if (!words.every((word) => lines.includes(word))) return lines.subarray(0, 0)
    const kept: Buffer[] = []
    for (let start = 0, end = lines.indexOf(0x0a); end !== -1;) {
      const line = lines.subarray(start, end + 1)
      if (words.every((word) => line.includes(word)) && fits(line)) kept.push(line)
      start = end + 1
      end = lines.indexOf(0x0a, start)
    }
    return Buffer.concat(kept)
  }

  function fits(line: Buffer): boolean {
    let record: AnyRecord
    try {
      record = JSON.parse(line.toString()) as AnyRecord
    } catch {
      return false
    }
    if (typeof record !== 'object' || record === null) return false
    if (type !== undefined && record.type !== type) return false
    if (study !== undefined && !isOfStudy(record, study)) return false
    if (sinceMs === undefined && untilMs === undefined) return true
    const time = typeof record['time'] === 'string' ? Date.parse(record['time']) : Number.NaN
    // NaN compares false: a record without a time answers no question about it.
    return time >= (sinceMs ?? -Infinity) && time < (untilMs ?? Infinity)
  }
}

function isOfStudy(record: AnyRecord, study: string): boolean {
  if (record['StudyInstanceUID'] === study) return true
  const inner = record.type === 'error' ? record['record'] : undefined
  return (
    typeof inner === 'object' &&
    inner !== null &&
    (inner as Record<string, unknown>)['StudyInstanceUID'] === study
  )
}
