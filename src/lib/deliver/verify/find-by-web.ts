import { WebClient, readDataSets, statusTrouble, textOf } from '../../dicomweb/index.ts'
import { FionaError } from '../../error/index.ts'
import type { WebTarget } from '../destination.ts'
import type { FindInstances } from './find-objects.ts'

/** Asked for at once; a service may give fewer. */
const pageLength = 1000
/** With whatever else a service adds to each match. */
const mostAnswerBytes = 16 << 20
const SOPInstanceUID = '00080018'

/**
 * QIDO-RS (PS3.18 10.6): the instances of each series, page by page, until a page brings nothing new. So a
 * service that gives short pages is asked on, and one that knows no offset is not asked for ever.
 */
export function webFinder(target: WebTarget, timeoutSeconds: number): FindInstances {
  return async ({ StudyInstanceUID, series }, signal) => {
    const client = new WebClient({ ...target, timeoutSeconds, connections: 1 })
    try {
      const found = new Set<string>()
      for (const { SeriesInstanceUID } of series) {
        for (let offset = 0; ;) {
          const resource = `studies/${StudyInstanceUID}/series/${SeriesInstanceUID}/instances`
          const page = `limit=${String(pageLength)}&offset=${String(offset)}`
          const uids = await instancesIn(
            client,
            `${resource}?includefield=${SOPInstanceUID}&${page}`,
            signal,
          )
          const before = found.size
          for (const uid of uids) found.add(uid)
          if (found.size === before) break
          offset += uids.length
        }
      }
      return found
    } finally {
      client.close()
    }
  }
}

async function instancesIn(
  client: WebClient,
  path: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const accept = 'application/dicom+json'
  const answer = await client.request({ method: 'GET', path, accept, mostAnswerBytes, signal })
  if (answer.status === 204) return []
  // 404 included: where there is no such resource, nobody said that an object is missing.
  if (answer.status !== 200) throw statusTrouble(client.peer, answer)
  const dataSets = readDataSets(answer)
  if (dataSets === undefined) {
    throw new FionaError('E_WEB_PROTOCOL', `${client.peer} did not answer a query with data sets`, {
      hint: 'is the URL the DICOMweb root? What answers may be a proxy or a login page',
    })
  }
  return dataSets.flatMap((dataSet) => textOf(dataSet, SOPInstanceUID) ?? [])
}
