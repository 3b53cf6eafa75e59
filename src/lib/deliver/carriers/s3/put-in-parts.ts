import { faultPoint } from '../../../fault/index.ts'
import { elementText, elements } from './answer-text.ts'
import type { PutOptions } from './put-object.ts'
import { encoded, isS3Trouble, textBody, type S3Store } from './s3-store.ts'
import { notUnderstood, s3Trouble } from './s3-trouble.ts'

/** To end an upload that failed, also when we are to stop. */
const endingMs = 5000

/**
 * An object in several requests; its name appears when all its parts are there. An upload that fails is ended, as a store keeps parts for
 * ever otherwise, and has them paid.
 * @returns false when the name was taken meanwhile
 */
export async function putInParts(
  store: S3Store,
  key: string,
  { file, headers, onlyIfNew, throttle, signal }: PutOptions,
): Promise<boolean> {
  await endLeftUploads(store, key, signal)
  const begun = await store.ask({ method: 'POST', key, query: 'uploads=', headers, signal })
  const uploadId = elementText(begun.body.toString('utf8'), 'UploadId')
  if (uploadId === undefined) throw notUnderstood(store.peer, 'an upload has no name')
  try {
    const etags: string[] = []
    for (const part of file.parts) {
      const number = etags.length + 1
      const answer = await store.ask({
        method: 'PUT',
        key,
        query: `partNumber=${String(number)}&uploadId=${encoded(uploadId)}`,
        headers: { 'Content-MD5': Buffer.from(part.md5, 'hex').toString('base64') },
        body: file.bodyOf(part, throttle, signal),
        sha256: part.sha256,
        signal,
      })
      faultPoint('s3.part-taken')
      etags.push(answer.headers.etag ?? '')
    }
    const isPut = await complete(store, { key, uploadId, etags, onlyIfNew, signal })
    if (!isPut) await end(store, key, uploadId)
    return isPut
  } catch (error) {
    await end(store, key, uploadId)
    throw error
  }
}

interface Upload {
  readonly key: string
  readonly uploadId: string
  /** Of its parts. */
  readonly etags: readonly string[]
  readonly onlyIfNew: boolean
  readonly signal: AbortSignal
}

/** @returns false when the name was taken meanwhile */
async function complete(store: S3Store, upload: Upload): Promise<boolean> {
  const { key, uploadId, etags, onlyIfNew, signal } = upload
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${String(index + 1)}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
  )
  const answer = await store.ask({
    method: 'POST',
    key,
    query: `uploadId=${encoded(uploadId)}`,
    headers: onlyIfNew ? { 'If-None-Match': '*' } : {},
    ...textBody(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`),
    expects: onlyIfNew ? [412] : [],
    signal,
  })
  if (answer.status === 412) return false
  // It may begin to answer before it knows: the status is success then, and what follows says that it is none.
  if (elements(answer.body.toString('utf8'), 'Error').length > 0) {
    throw s3Trouble(store.peer, { ...answer, status: 500 })
  }
  return true
}

/** Of what was killed while it sent this object. Nobody else writes under a name of ours. */
async function endLeftUploads(store: S3Store, key: string, signal: AbortSignal): Promise<void> {
  try {
    const query = `prefix=${encoded(key)}&uploads=`
    const answer = await store.ask({ method: 'GET', query, signal })
    for (const upload of elements(answer.body.toString('utf8'), 'Upload')) {
      const uploadId = elementText(upload, 'UploadId')
      if (elementText(upload, 'Key') !== key || uploadId === undefined) continue
      await end(store, key, uploadId)
    }
  } catch (error) {
    // A key that may do nothing but put objects leaves this to a rule of the bucket.
    if (!isS3Trouble(error, 'E_S3_NOT_ALLOWED')) throw error
  }
}

async function end(store: S3Store, key: string, uploadId: string): Promise<void> {
  const query = `uploadId=${encoded(uploadId)}`
  const signal = AbortSignal.timeout(endingMs)
  await store.ask({ method: 'DELETE', key, query, expects: [404], signal }).catch(() => undefined)
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${String(one.charCodeAt(0))};`)
}
