import { recordTypeOf } from '../record/index.ts'

const newline = 0x0a
/** A line whose type is `mark` holds the word, or spells it with escapes. */
const traces = [Buffer.from('"mark"'), Buffer.from('\\u00')]

/**
 * Takes marks out of what is fed: only the stage's own may run through its pipeline. A foreign one, which
 * a front door let into the journal, would vouch for what is not done.
 */
export function withoutMarks(lines: Buffer): { lines: Buffer; dropped: number } {
  if (!isSuspicious(lines)) return { lines, dropped: 0 }
  const kept: Buffer[] = []
  let dropped = 0
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(newline, start) + 1
    const line = lines.subarray(start, end)
    if (isSuspicious(line) && isMark(line)) dropped++
    else kept.push(line)
    start = end
  }
  return { lines: dropped > 0 ? Buffer.concat(kept) : lines, dropped }
}

function isSuspicious(bytes: Buffer): boolean {
  return traces.some((trace) => bytes.includes(trace))
}

/** Both readings of a line that says its type twice are looked at: filters may take either. */
function isMark(line: Buffer): boolean {
  const text = line.subarray(0, -1)
  if (recordTypeOf(text) === 'mark') return true
  try {
    return (JSON.parse(text.toString()) as { type?: unknown } | null)?.type === 'mark'
  } catch {
    return false
  }
}
