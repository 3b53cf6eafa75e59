import { dirname } from 'node:path'
import { DicomFile, encodeDataSet, tagOf, TransferSyntax, textElement } from '../../dicom/index.ts'
import { formatStatus } from '../../dimse/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { confirmedSeries } from '../carriers/package/server-answers.ts'
import { type PackagePlace, placeOf } from '../carriers/package/package-place.ts'
import type { Destination, DicomTarget } from '../destination.ts'
import type { Delivered } from '../ledger/entries.ts'
import { openPeer } from '../open-peer.ts'
import { Throttle } from '../throttle.ts'
import { s3Finder } from './find-by-s3.ts'
import { webFinder } from './find-by-web.ts'

/** Study Root Query/Retrieve Information Model, FIND (PS3.4 C.6.2.1). */
const studyRootFind = '1.2.840.10008.5.1.4.1.2.2.1'
/** Every acceptor knows it (PS3.5 10.1). */
const syntax = TransferSyntax.ImplicitVRLittleEndian
const encoding = { littleEndian: true, explicitVR: false }
const tags = {
  SOPInstanceUID: tagOf('SOPInstanceUID') ?? 0,
  QueryRetrieveLevel: tagOf('QueryRetrieveLevel') ?? 0,
  StudyInstanceUID: tagOf('StudyInstanceUID') ?? 0,
  SeriesInstanceUID: tagOf('SeriesInstanceUID') ?? 0,
}

export interface StudyToFind {
  readonly participant: string
  readonly event?: string
  readonly StudyInstanceUID: string
  readonly series: readonly { readonly SeriesInstanceUID: string }[]
}

/**
 * Asks a destination which objects of a study it has.
 * @throws FionaError E_NOT_VERIFIED when it cannot be asked or gives no answer, E_STOPPED
 */
export type Finder = (
  study: StudyToFind,
  signal: AbortSignal,
) => Promise<{ has(object: Pick<Delivered, 'name' | 'SOPInstanceUID' | 'size'>): boolean }>

/** SOPInstanceUIDs of what is there. */
export type FindInstances = (
  study: Pick<StudyToFind, 'StudyInstanceUID' | 'series'>,
  signal: AbortSignal,
) => Promise<ReadonlySet<string>>

/** @returns undefined when the destination is not to be asked */
export function finderFor(destination: Destination): Finder | undefined {
  const { target, verify, timeoutSeconds } = destination
  if (verify !== 'find') return undefined
  if (target.kind === 'folder' || target.kind === 'sftp') {
    const place = placeOf(destination, new Throttle(undefined))
    return place && inWords((study) => packageFinder(place, study))
  }
  if (target.kind === 's3') return inWords(s3Finder(target, timeoutSeconds))
  const ask =
    target.kind === 'dicom' ? dicomFinder(destination, target) : webFinder(target, timeoutSeconds)
  return inWords(async (study, signal) => {
    const there = await ask(study, signal)
    return { has: ({ SOPInstanceUID }) => there.has(SOPInstanceUID) }
  })
}

/** Whatever goes wrong, nobody knows what is there. */
function inWords(ask: Finder): Finder {
  return async (study, signal) => {
    try {
      return await ask(study, signal)
    } catch (error) {
      if (!(error instanceof FionaError) || error.code === 'E_STOPPED') throw error
      throw notVerified(error)
    }
  }
}

/** The objects of a package are there when the package is as it was sent. */
async function packageFinder(place: PackagePlace, study: StudyToFind): ReturnType<Finder> {
  try {
    const confirmed = await confirmedSeries(place, study)
    return { has: ({ name }) => confirmed.has(dirname(name)) }
  } finally {
    await place.rest()
  }
}

/** A query at IMAGE level for each series (PS3.4 C.4.1.2.1 wants the unique keys of the levels above). */
function dicomFinder(destination: Destination, target: DicomTarget): FindInstances {
  const { callingAETitle, timeoutSeconds } = destination
  return async ({ StudyInstanceUID, series }, signal) => {
    const association = await openPeer({
      ...target,
      callingAETitle,
      timeoutSeconds,
      signal,
      contexts: [{ abstractSyntax: studyRootFind, transferSyntaxes: [syntax] }],
    })
    try {
      const found = new Set<string>()
      for (const { SeriesInstanceUID } of series) {
        const query = encodeQuery(StudyInstanceUID, SeriesInstanceUID)
        const { status, matches } = await association.find(studyRootFind, syntax, query)
        if (status !== 0) throw refused(association.peer, status)
        for (const match of matches) found.add(instanceOf(match))
      }
      return found
    } finally {
      await association.release()
    }
  }
}

function encodeQuery(study: string, series: string): Buffer {
  const parts = encodeDataSet(
    [
      textElement(tags.QueryRetrieveLevel, 'CS', 'IMAGE'),
      textElement(tags.StudyInstanceUID, 'UI', study),
      textElement(tags.SeriesInstanceUID, 'UI', series),
      textElement(tags.SOPInstanceUID, 'UI', ''),
    ],
    encoding,
  )
  return Buffer.concat([...parts].filter((part) => Buffer.isBuffer(part)))
}

function instanceOf(match: Buffer): string {
  using file = DicomFile.fromBuffer(match)
  return file.string(file.dataSet, tags.SOPInstanceUID) ?? ''
}

function refused(peer: string, status: number): FionaError {
  return new FionaError(
    'E_NOT_VERIFIED',
    `${peer} answered the query with ${formatStatus(status)}`,
    { retryable: true },
  )
}

/** Everything was taken, and nobody says whether it is there: another thing than not being delivered. */
function notVerified(why: FionaError): FionaError {
  if (why.code === 'E_NOT_VERIFIED') return why
  return new FionaError('E_NOT_VERIFIED', `it could not be asked what it has: ${why.message}`, {
    hint: why.hint ?? 'may we query there (C-FIND at IMAGE level, QIDO-RS)? Else verify: none',
    retryable: why.retryable,
    exitCode: ExitCode.unavailable,
    cause: why,
  })
}
