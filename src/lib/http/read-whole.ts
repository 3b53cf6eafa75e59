/** An answer has more bytes than whoever asked wants to hold. */
export class AnswerTooLong extends Error {
  readonly mostBytes: number

  constructor(mostBytes: number) {
    super(`an answer is longer than ${String(mostBytes)} bytes`)
    this.mostBytes = mostBytes
  }
}

/**
 * All bytes of an answer, as many as it may have; beyond that it is not read any further.
 * @throws AnswerTooLong; whatever the stream throws
 */
export async function readWhole(
  answer: AsyncIterable<Buffer> & { destroy(): unknown },
  mostBytes: number,
): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer) {
    size += part.length
    if (size > mostBytes) {
      answer.destroy()
      throw new AnswerTooLong(mostBytes)
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}
