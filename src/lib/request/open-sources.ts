import { join } from 'node:path'
import type { Logger } from 'pino'
import type { FionaError } from '../error/index.ts'
import { makeDirectories } from '../storage/index.ts'
import type { Changed, RequestSource } from './source.ts'
import type { Store } from './store/store.ts'

/** Trouble of a source, where lists find it. */
export const troublePrefix = 'trouble:'

/**
 * @param directory where each gets a directory of its own; undefined: memory is all there is
 * @throws FionaError what makes a source useless for good; those that were opened before are closed again
 */
export async function openSources(
  sources: readonly RequestSource[],
  {
    directory,
    store,
    changed,
    signal,
    log,
  }: {
    readonly directory: string | undefined
    readonly store: Store
    readonly changed: (which: Changed | undefined) => void
    readonly signal: AbortSignal
    readonly log: Logger
  },
): Promise<AsyncDisposable> {
  const opened: RequestSource[] = []
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close()
  }
  try {
    for (const source of sources) {
      const own = directory === undefined ? undefined : join(directory, 'sources', source.name)
      if (own !== undefined) await makeDirectories(own, { mode: 0o700 })
      // A former process may have left something to say.
      store.setMeta(`${troublePrefix}${source.name}`, '')
      let said = ''
      const trouble = (error: FionaError | undefined): void => {
        const text = error?.message ?? ''
        if (text === said) return
        said = text
        store.setMeta(`${troublePrefix}${source.name}`, text)
        if (error === undefined)
          log.info({ source: source.name }, 'the source of requests is well again')
        else {
          log.error(
            { source: source.name, code: error.code, hint: error.hint },
            `a source of requests goes on with what it had: ${error.message}`,
          )
        }
      }
      await source.open({ directory: own, changed, trouble, signal })
      opened.push(source)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { [Symbol.asyncDispose]: close }
}
