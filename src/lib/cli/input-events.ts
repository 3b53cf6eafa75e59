import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { FilterLogic } from './tool.ts'

/** A pipe and the stream that reads it hold about so many chunks. */
const mostTurns = 4

/**
 * Chunks of input, and `timer` whenever the logic's own time has come; neither keeps the other waiting
 * for good. What was there when the timer came due goes first: after a pause of the whole machine a quiet
 * time has not passed while records wait to be read. Ends with the input or with the signal. Only one promise waits at a time: Promise.race would
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
  const waitAtMost = (wait: number): Promise<void> =>
    new Promise<void>((resolve) => {
      const timeout =
        wait < Infinity ? setTimeout(awaken, Math.min(Math.ceil(wait), 0x7fffffff)) : undefined
      wake = (): void => {
        clearTimeout(timeout)
        wake = undefined
        resolve()
      }
    })
  signal.addEventListener('abort', awaken)
  try {
    for (let turns = 0, hasLooked = false; ;) {
      if (signal.aborted) return
      if (!isReading && arrived === undefined && failure === undefined) read()
      const dueAt = timer?.dueAt()
      const wait = dueAt === undefined ? Infinity : dueAt - now()
      const hasInput = arrived !== undefined || failure !== undefined
      if (wait <= 0 && (turns >= mostTurns || (!hasInput && hasLooked))) {
        turns = 0
        hasLooked = false
        yield 'timer'
      } else if (!hasInput) {
        hasLooked = wait <= 0
        if (hasLooked) await setImmediate()
        else await waitAtMost(wait)
      } else if (failure !== undefined) {
        throw failure.error
      } else {
        if (arrived?.done !== false) return
        const { value } = arrived
        arrived = undefined
        hasLooked = false
        turns = wait <= 0 ? turns + 1 : 0
        yield value
      }
    }
  } finally {
    signal.removeEventListener('abort', awaken)
    // A pending read keeps the process alive; nobody will use it.
    if (signal.aborted) input.destroy()
  }
}
