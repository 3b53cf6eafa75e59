import type { DataSet, DicomFile } from '../../dicom/index.ts'
import type { Reasons } from '../reasons.ts'
import type { FacePolicy } from './face-policy.ts'

const Tag = {
  AnatomicRegionSequence: 0x00082218,
  BodyPartExamined: 0x00180015,
  RecognizableVisualFeatures: 0x00280302,
  CodeValue: 0x00080100,
  FrameAnatomySequence: 0x00209071,
  SharedFunctionalGroupsSequence: 0x52009229,
  PerFrameFunctionalGroupsSequence: 0x52009230,
}
const storage = '1.2.840.10008.5.1.4.1.1.'
/** CT, MR and PET, each as single frames, enhanced, and converted from single frames (PS3.4 B.5). */
const reconstructions = new Set(
  ['2', '2.1', '2.2', '4', '4.1', '4.4', '128', '130', '128.1'].map((end) => `${storage}${end}`),
)
/** Terms of PS3.16 Annex L with a part of the face in them, and how devices write them. */
const bodyPart =
  /^(?:HEAD|BRAIN|SKULL|FACE|FACIAL|JAW|MAXILLA|MANDIBLE|ORBIT|EYE|NOSE|SINUS|PARANASAL)|HEAD ?(?:AND)? ?NECK|WHOLE ?BODY/i
/** Head, head and neck, brain, face, skull, orbit, sinus, whole body: SNOMED RT and CT. */
const anatomy = new Set(
  'T-D1100 T-D1000 T-A0100 T-D1200 T-11100 T-D1480 T-22000 T-D0010 69536005 774007 12738006 89545001 89546000 363654007 2095001 38266002'.split(
    ' ',
  ),
)
/** Types that rules of classification give series of heads. */
const types = new Set(['head', 'brain', 'face'])

/** What an object is to its series. */
export interface FaceFinding {
  /** Pixels of the kind that a defacing command takes: the whole series is given to it. */
  readonly isReconstruction: boolean
  readonly showsHead: boolean
}

/**
 * Signs that a person could be recognized (PS3.3 C.7.6.1.1.5). What the project has no command for and does not
 * accept is added to `reasons`; so is a head where the project demands a command and has none.
 */
export function lookForFaces(
  file: DicomFile,
  SOPClassUID: string,
  types: readonly string[],
  policy: FacePolicy,
  reasons: Reasons,
): FaceFinding {
  const said = file.string(file.dataSet, Tag.RecognizableVisualFeatures)?.toUpperCase()
  const isRecognizable = said !== undefined && said !== 'NO'
  // An object that says NO was looked at, or defaced before.
  const isReconstruction = reconstructions.has(SOPClassUID) && said !== 'NO'
  const showsHead = isReconstruction && (isRecognizable || policy.showsHead(file, types))
  const isRemoved = isReconstruction && policy.command !== undefined
  if (isRecognizable && !policy.isAccepted && !isRemoved) {
    reasons.add('recognizable-visual-features', '(0028,0302) RecognizableVisualFeatures')
  }
  if (showsHead && policy.isRequired && policy.command === undefined) {
    reasons.add('faces-not-removed', 'deface: the profile demands it and has no command')
  }
  return { isReconstruction, showsHead }
}

/** Where the profile does not say `when`. */
export function usuallyShowsHead(file: DicomFile, given: readonly string[]): boolean {
  if (given.some((type) => types.has(type.toLowerCase()))) return true
  if (file.strings(file.dataSet, Tag.BodyPartExamined).some((part) => bodyPart.test(part))) {
    return true
  }
  return anatomiesOf(file.dataSet).some((item) =>
    file.strings(item, Tag.CodeValue).some((code) => anatomy.has(code)),
  )
}

/** Anatomic regions of the object, and those of its frames. */
function anatomiesOf(dataSet: DataSet): readonly DataSet[] {
  const inside = (tag: number) => (of: DataSet) => of.get(tag)?.items ?? []
  const regions = inside(Tag.AnatomicRegionSequence)
  const groups = [
    ...inside(Tag.SharedFunctionalGroupsSequence)(dataSet),
    ...inside(Tag.PerFrameFunctionalGroupsSequence)(dataSet),
  ]
  return [...regions(dataSet), ...groups.flatMap(inside(Tag.FrameAnatomySequence)).flatMap(regions)]
}
