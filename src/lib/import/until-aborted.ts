import type { Readable } from 'node:stream'

/** The items until the signal: the one in hand is finished, no further one is begun. */
export async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void, undefined> {
  if (signal.aborted) return
  for await (const item of items) {
    if (signal.aborted) return
    yield item
  }
}

/** What comes in at a stream, until its end or the signal: a read that waits must not keep us. */
export async function* readChunks(
  input: Readable,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const stop = (): void => void input.destroy()
  if (signal.aborted) return
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of input) yield chunk as Buffer
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
