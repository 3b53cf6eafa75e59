import type { JournalChunk } from '../journal/index.ts'

const newline = 0x0a

/** The first `count` lines of a chunk, and the position behind them. */
export function firstLines(chunk: JournalChunk, count: number): JournalChunk {
  let end = 0
  for (let taken = 0; taken < count && end < chunk.lines.length; taken++) {
    end = chunk.lines.indexOf(newline, end) + 1
  }
  return part(chunk, 0, end)
}

/** Each line as a chunk of its own. */
export function* eachLine(chunk: JournalChunk): Generator<JournalChunk> {
  for (let start = 0; start < chunk.lines.length;) {
    const end = chunk.lines.indexOf(newline, start) + 1
    yield part(chunk, start, end)
    start = end
  }
}

function part(chunk: JournalChunk, start: number, end: number): JournalChunk {
  return {
    segment: chunk.segment,
    lines: chunk.lines.subarray(start, end),
    end: chunk.end - (chunk.lines.length - end),
  }
}
