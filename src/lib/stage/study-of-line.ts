const key = Buffer.from('StudyInstanceUID')
const usual = Buffer.from('"StudyInstanceUID":"')
const escape = Buffer.from('\\u')
const quote = 0x22

/**
 * The study a line belongs to, of an error record the one of the record it holds. Read from the text where
 * the text can mean but one thing; parsed where a study is named twice, or in an unusual spelling.
 */
export function studyOfLine(line: Buffer): string | undefined {
  const at = line.indexOf(key)
  if (line.includes(escape)) return parsed(line)
  if (at === -1) return undefined
  const start = at - 1 + usual.length
  const isUsual = at > 0 && line.subarray(at - 1, start).equals(usual)
  if (!isUsual || line.includes(key, start)) return parsed(line)
  const end = line.indexOf(quote, start)
  return end === -1 ? undefined : line.toString('latin1', start, end)
}

function parsed(line: Buffer): string | undefined {
  try {
    return studyOf(JSON.parse(line.toString()))
  } catch {
    return undefined
  }
}

function studyOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { StudyInstanceUID: own, attributes, record } = value as Record<string, unknown>
  return typeof own === 'string' ? own : (studyOf(record) ?? studyOf(attributes))
}
