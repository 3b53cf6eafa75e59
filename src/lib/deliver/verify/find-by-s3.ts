import { elementText, elements } from '../carriers/s3/answer-text.ts'
import { S3Store, encoded } from '../carriers/s3/s3-store.ts'
import { notUnderstood } from '../carriers/s3/s3-trouble.ts'
import { studyPlace } from '../carriers/object-place.ts'
import type { S3Target } from '../destination.ts'
import type { Finder } from './find-objects.ts'

/** Of a thousand objects, which is what a store names at once. */
const mostAnswerBytes = 4 << 20

/**
 * What a bucket has of a study: names and lengths, a thousand in an answer (ListObjectsV2). What is in an object the store has
 * checked when it took it; this says that all of it is still there.
 */
export function s3Finder(target: S3Target, timeoutSeconds: number): Finder {
  return async ({ participant, StudyInstanceUID }, signal) => {
    const store = new S3Store(target, timeoutSeconds, 1)
    try {
      const folder = `${target.prefix}${studyPlace(participant, StudyInstanceUID).join('/')}/`
      const sizes = await sizesBelow(store, folder, signal)
      return {
        has: ({ SOPInstanceUID, size }) => sizes.get(`${SOPInstanceUID}.dcm`) === size,
      }
    } finally {
      store.close()
    }
  }
}

/** By the last part of the name. */
async function sizesBelow(
  store: S3Store,
  folder: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (let from: string | undefined = '', seen = new Set<string>(); from !== undefined;) {
    const token: string = from === '' ? '' : `continuation-token=${encoded(from)}&`
    const query = `${token}list-type=2&prefix=${encoded(folder)}`
    const { body } = await store.ask({ method: 'GET', query, mostAnswerBytes, signal })
    const xml = body.toString('utf8')
    for (const object of elements(xml, 'Contents')) {
      const name = elementText(object, 'Key')?.split('/').at(-1)
      if (name !== undefined) sizes.set(name, Number(elementText(object, 'Size')))
    }
    from =
      elementText(xml, 'IsTruncated') === 'true'
        ? elementText(xml, 'NextContinuationToken')
        : undefined
    if (from !== undefined && seen.has(from)) throw notUnderstood(store.peer, 'a list has no end')
    if (from !== undefined) seen.add(from)
  }
  return sizes
}
