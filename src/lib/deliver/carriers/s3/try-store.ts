import { textBody, type S3Store } from './s3-store.ts'

/** Below the prefix. It is ours, so that to try a store touches nothing of others. */
const name = '.fiona'
const text =
  'FIONA tries with this object whether it may write here, and whether the store keeps what is there.\n'
/** What a store says that does not know the condition. */
const notImplemented = 501

/**
 * Puts a small object of ours where it lies already, to learn whether the store replaces what is there although it is told not to:
 * some know no conditions (`If-None-Match`), and not all of those say so.
 * @returns whether what is there is kept
 * @throws FionaError as `S3Store.ask`, when we may not write there
 */
export async function tryStore(
  store: S3Store,
  prefix: string,
  signal: AbortSignal,
): Promise<boolean> {
  const put = async (onlyIfNew: boolean): Promise<number> => {
    const { status } = await store.ask({
      method: 'PUT',
      key: `${prefix}${name}`,
      headers: onlyIfNew ? { 'If-None-Match': '*' } : {},
      ...textBody(text),
      expects: onlyIfNew ? [412, notImplemented] : [],
      signal,
    })
    return status
  }
  const first = await put(true)
  if (first === 412) return true
  if (first === notImplemented) {
    await put(false)
    return false
  }
  // It was the first one there, or the store has replaced it.
  return (await put(true)) === 412
}
