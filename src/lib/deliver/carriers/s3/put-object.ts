import { faultPoint } from '../../../fault/index.ts'
import type { Throttle } from '../../throttle.ts'
import type { FileInParts } from './file-parts.ts'
import { putInParts } from './put-in-parts.ts'
import type { S3Store } from './s3-store.ts'
import { changedMeanwhile } from './s3-trouble.ts'
import { digestThere, lookAt, saysItIs, type StoredObject } from './stored-object.ts'

export interface PutOptions {
  readonly file: FileInParts
  readonly headers: Readonly<Record<string, string>>
  /** The store is asked to put it only where nothing is. */
  readonly onlyIfNew: boolean
  readonly throttle: Throttle
  readonly signal: AbortSignal
}

export interface PlaceOptions extends Pick<PutOptions, 'file' | 'throttle' | 'signal'> {
  /** It does so, and need not be asked before. */
  readonly keepsWhatIsThere: boolean
  /** Asked when other bytes lie under the name, with their SHA-256. */
  readonly mayReplace: (sha256: string) => boolean
}

/**
 * A file under a name of the store, unless other bytes lie there. The store checks what comes by its SHA-256 and MD5 before
 * the name appears; to put the same bytes twice changes nothing.
 * @returns `different` when other bytes are there that may not be replaced; nothing was changed then
 * @throws FionaError E_FILE_READ; and as `S3Store.ask`
 */
export async function placeObject(
  store: S3Store,
  key: string,
  options: PlaceOptions,
): Promise<'placed' | 'identical' | 'different'> {
  const { file, keepsWhatIsThere, signal } = options
  const isLarge = file.parts.length > 1
  // Of what goes in parts the store says only at the end that the name is taken.
  if (!keepsWhatIsThere || isLarge) {
    const there = await lookAt(store, key, signal).catch((error: unknown) => {
      if (keepsWhatIsThere) return undefined
      throw error
    })
    if (there !== undefined) return settle(store, key, there, options)
  }
  if (await put(store, key, options, keepsWhatIsThere)) return 'placed'
  const there = await lookAt(store, key, signal)
  if (there === undefined) throw changedMeanwhile(store.peer)
  return settle(store, key, there, options)
}

async function settle(
  store: S3Store,
  key: string,
  there: StoredObject,
  options: PlaceOptions,
): Promise<'placed' | 'identical' | 'different'> {
  const { file, mayReplace, signal } = options
  if (saysItIs(there, file)) return 'identical'
  const found = await digestThere(store, key, there, signal)
  if (found === file.sha256) return 'identical'
  if (!mayReplace(found)) return 'different'
  await put(store, key, options, false)
  return 'placed'
}

/** @returns false when the name is taken */
async function put(
  store: S3Store,
  key: string,
  { file, throttle, signal }: PlaceOptions,
  onlyIfNew: boolean,
): Promise<boolean> {
  // Whoever fetches it can compare; a sum of the whole that the store computes is not kept by all of them.
  const about = { 'Content-Type': 'application/dicom', 'X-Amz-Meta-Sha256': file.sha256 }
  const options = { file, headers: about, onlyIfNew, throttle, signal }
  const [part, ...others] = file.parts
  if (part === undefined) throw new Error('an object has no bytes')
  const isPut =
    others.length > 0
      ? await putInParts(store, key, options)
      : await putWhole(store, key, options, part)
  faultPoint('s3.taken')
  return isPut
}

async function putWhole(
  store: S3Store,
  key: string,
  { file, headers, onlyIfNew, throttle, signal }: PutOptions,
  part: FileInParts['parts'][number],
): Promise<boolean> {
  faultPoint('s3.before-put')
  const { status } = await store.ask({
    method: 'PUT',
    key,
    headers: {
      ...headers,
      'Content-MD5': base64(part.md5),
      'X-Amz-Checksum-Sha256': base64(part.sha256),
      ...(onlyIfNew ? { 'If-None-Match': '*' } : {}),
    },
    body: file.bodyOf(part, throttle, signal),
    sha256: part.sha256,
    expects: onlyIfNew ? [412] : [],
    signal,
  })
  return status !== 412
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
