import type { Readable } from 'node:stream'
import type { FilterLogic } from './tool.ts'

/**
 * Chunks of input, and `timer` whenever the logic's own time has come; neither keeps the other waiting
 * for good. Ends with the input or with the signal. Only one promise waits at a time: Promise.race would
 * hang another reaction on a promise that never settles for each chunk of a stream that has no end.
 * @throws what reading the input throws
 */
export async function* inputEvents(
  input: Readable,
  timer: FilterLogic['timer'],
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<Buffer | 'timer'> {
  const iterator = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let arrived: IteratorResult<Buffer> | undefined
  let failure: { readonly error: unknown } | undefined
  let isReading = false
  let wake: (() => void) | undefined
  const awaken = (): void => wake?.()
  const read = (): void => {
    isReading = true
    iterator.next().then(
      (result) => {
        isReading = false
        arrived = result
        awaken()
      },
      (error: unknown) => {
        isReading = false
        failure = { error }
        awaken()
      },
    )
  }
  signal.addEventListener('abort', awaken)
  try {
    for (let wasTimer = false; ;) {
      if (signal.aborted) return
      const dueAt = timer?.dueAt()
      const wait = dueAt === undefined ? undefined : dueAt - now()
      const hasInput = arrived !== undefined || failure !== undefined
      if (wait !== undefined && wait <= 0 && !(wasTimer && hasInput)) {
        wasTimer = true
        yield 'timer'
      } else if (failure !== undefined) {
        throw failure.error
      } else if (arrived !== undefined) {
        if (arrived.done === true) return
        const { value } = arrived
        arrived = undefined
        wasTimer = false
        yield value
      } else {
        if (!isReading) read()
        await new Promise<void>((resolve) => {
          let timeout: NodeJS.Timeout | undefined
          wake = (): void => {
            clearTimeout(timeout)
            resolve()
          }
          if (wait !== undefined) timeout = setTimeout(wake, Math.min(Math.ceil(wait), 0x7fffffff))
        })
        wake = undefined
      }
    }
  } finally {
    signal.removeEventListener('abort', awaken)
    // A pending read keeps the process alive; nobody will use it.
    if (signal.aborted) input.destroy()
  }
}
