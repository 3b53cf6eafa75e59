import { deflateRawSync } from 'node:zlib'
import {
  type DicomFile,
  type OutElement,
  type OutPart,
  encodeDataSet,
  encodeFileMeta,
  textElement,
} from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import { isUid } from '../uid/index.ts'
import type { KnownIdentity } from './search/known-identity.ts'
import type { Unwanted } from './descriptors/clean-text.ts'
import { afterEarlier } from './earlier-methods.ts'
import type { Trace } from './explain/trace.ts'
import type { CleanedPixels } from './pixels/index.ts'
import { isAlwaysHeld, policyOf } from './object-policy.ts'
import { type Profile, methodItem } from './profile/profile.ts'
import { type Pseudonyms, normalUid } from './pseudonyms.ts'
import type { Reasons } from './reasons.ts'
import type { RecurringElements } from './recurring-elements.ts'
import { rewriteDataSet } from './rewrite-data-set.ts'
import { type Rewriting, newUid } from './rewriting.ts'
import { Surroundings } from './surroundings.ts'
import { unwantedWords } from './descriptors/unwanted-words.ts'
import { readPart } from './study/write-object.ts'

/** Who an object shall belong to, and what is noted on the way. */
export interface Assignment {
  readonly profile: Profile
  readonly pseudonyms: Pseudonyms
  readonly participant: string
  readonly project: string
  readonly event: string | undefined
  readonly requestId: string
}
export interface Notes {
  readonly identity: KnownIdentity
  readonly reasons: Reasons
  readonly count: (what: string) => void
  readonly trace?: Trace
  /** What became of the elements of other objects whose identity is noted in the same place. */
  readonly recurring?: RecurringElements
}

/** The UIDs that name an object, as they are in it. */
export interface ObjectUids {
  readonly SOPClassUID: string
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
}

/** An object ready to be written: new UIDs, and bytes that may be ranges of the source file. */
export interface Deidentified extends ObjectUids {
  readonly elements: readonly OutElement[]
  parts(): Iterable<OutPart>
}

const Tag = {
  SOPClassUID: 0x00080016,
  SOPInstanceUID: 0x00080018,
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  ClinicalTrialTimePointID: 0x00120050,
  StudyInstanceUID: 0x0020000d,
  SeriesInstanceUID: 0x0020000e,
}

/**
 * The identity of an object.
 * @throws FionaError E_DICOM_PARSE when one of its UIDs is missing or none
 */
export function uidsOf(file: DicomFile): ObjectUids {
  const read = (tag: number) => normalUid(file.string(file.dataSet, tag) ?? '')
  const uids = {
    SOPClassUID: read(Tag.SOPClassUID),
    StudyInstanceUID: read(Tag.StudyInstanceUID),
    SeriesInstanceUID: read(Tag.SeriesInstanceUID),
    SOPInstanceUID: read(Tag.SOPInstanceUID),
  }
  if (Object.values(uids).every((uid) => isUid(uid))) return uids
  throw new FionaError('E_DICOM_PARSE', 'an object lacks a class, study, series or instance UID')
}

/**
 * The object as research may have it, with its pixels as they were made ready before. Whatever a person has to decide is added to `reasons`; the
 * result is then what would go out if that person lets it, and undefined where nothing can be made.
 */
export function deidentifyObject(
  file: DicomFile,
  uids: ObjectUids & { readonly types: readonly string[] },
  assignment: Assignment,
  notes: Notes,
  pixels: CleanedPixels,
): Deidentified | undefined {
  const { reasons } = notes
  const { SOPClassUID } = uids
  if (!isSyntaxKnown(file.transferSyntaxUID)) {
    reasons.add('unknown-transfer-syntax', '(0002,0010) TransferSyntaxUID')
    return undefined
  }
  const policy = policyOf(SOPClassUID)
  if (policy === undefined) reasons.add('unknown-sop-class', '(0008,0016) SOPClassUID')
  else if (isAlwaysHeld(policy)) reasons.add(policy, '(0008,0016) SOPClassUID')

  const { pseudonyms, participant } = assignment
  const profile = assignment.profile.variants.get(SOPClassUID) ?? assignment.profile
  const object = { file, SOPClassUID, types: uids.types }
  const decide = profile.decider(object)
  // A person who asks why is told of every element.
  const recurring =
    notes.trace === undefined ? notes.recurring?.forObject(file, SOPClassUID, decide) : undefined
  let unwanted: Unwanted | undefined
  const rewriting: Rewriting = {
    file,
    policy: policy ?? 'data',
    SOPClassUID,
    ...assignment,
    ...notes,
    profile,
    decide,
    days: pseudonyms.days(profile.dateShift, participant),
    unwanted: () => {
      recurring?.looksBeyond()
      return (unwanted ??= unwantedWords(file))
    },
    count: (what) => {
      recurring?.count(what)
      notes.count(what)
    },
  }
  const around = new Surroundings(file, file.dataSet)
  const rewritten = rewriteDataSet(around, rewriting, undefined, recurring)
  const added = profile.rules
    .additionsFor(object, assignment)
    .map(({ tag, vr, value }) => textElement(tag, vr, value))
  const made: OutElement[] = [...rewritten, ...added]
  made.push(...statements(assignment, profile, file, new Set(made.map(({ tag }) => tag))))
  const elements = pixels.applyTo(made)
  const SOPInstanceUID = newUid(uids.SOPInstanceUID, rewriting)
  return {
    SOPClassUID,
    elements,
    StudyInstanceUID: newUid(uids.StudyInstanceUID, rewriting),
    SeriesInstanceUID: newUid(uids.SeriesInstanceUID, rewriting),
    SOPInstanceUID,
    *parts() {
      yield encodeFileMeta({
        MediaStorageSOPClassUID: SOPClassUID,
        MediaStorageSOPInstanceUID: SOPInstanceUID,
        TransferSyntaxUID: file.transferSyntaxUID,
      })
      const parts = encodeDataSet(elements, file)
      if (file.deflated) yield deflate(parts, file)
      else yield* parts
    },
  }
}

/** What de-identification says of itself (PS3.15 E.1.1, PS3.3 C.7.1.1 and C.12.1.1), and who this now is. */
function statements(
  { participant, event }: Assignment,
  profile: Profile,
  file: DicomFile,
  there: ReadonlySet<number>,
): OutElement[] {
  const statement = afterEarlier(profile.statement, file)
  const all = [
    textElement(Tag.PatientName, 'PN', participant),
    textElement(Tag.PatientID, 'LO', participant),
    textElement(0x00120062, 'CS', 'YES'),
    textElement(0x00120063, 'LO', statement.methods.join('\\')),
    { tag: 0x00120064, vr: 'SQ', items: statement.codes.map(methodItem) },
    textElement(0x00280303, 'CS', statement.longitudinal),
    ...(event === undefined ? [] : [textElement(Tag.ClinicalTrialTimePointID, 'LO', event)]),
  ] satisfies OutElement[]
  return all.filter(({ tag }) => !there.has(tag))
}

/**
 * Standard syntaxes, whose data sets we can read even where pixels are compressed; and GE's private
 * one, which differs in its pixels only. JPIP syntaxes leave the pixels on a server elsewhere.
 */
function isSyntaxKnown(uid: string): boolean {
  if (uid === '1.2.840.113619.5.2') return true
  const isElsewhere = /^1\.2\.840\.10008\.1\.2\.4\.(?:94|95|204|205)$/.test(uid)
  return !isElsewhere && /^1\.2\.840\.10008\.1\.2(?:\.\d{1,3}){0,3}$/.test(uid) && isUid(uid)
}

/** Deflated as one (PS3.5 A.5), with a NUL where its length is odd. The reader limits what it inflates. */
function deflate(parts: Iterable<OutPart>, file: DicomFile): Buffer {
  const whole = Buffer.concat(
    Array.from(parts, (part) => {
      if (Buffer.isBuffer(part)) return part
      const bytes = Buffer.allocUnsafe(part.length)
      readPart(part, file, bytes, 0)
      return bytes
    }),
  )
  const deflated = deflateRawSync(whole)
  return deflated.length % 2 === 0 ? deflated : Buffer.concat([deflated, Buffer.alloc(1)])
}
