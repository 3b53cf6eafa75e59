/**
 * What is done with objects of each storage class (PS3.4 B.5), besides the table. A class that is not
 * here is held: what we do not know we cannot vouch for.
 */
export type ObjectPolicy =
  /** Pixels made by the modality. Held when the object says, or shows, that they hold text. */
  | 'image'
  /** Pictures of screens, films, monitors or people, often with names in them. Held unless BurnedInAnnotation is NO. */
  | 'screen'
  /** Numbers, geometry and references: the table says it all. */
  | 'data'
  /** Structured reports and key objects: of the content only references to other objects remain. */
  | 'report'
  /** Presentation states: graphics are replaced by a dummy, the display parameters remain. */
  | 'presentation'
  /** Encapsulated files of other formats: a person looks at each. */
  | 'encapsulated-document'
  /** Bytes whose meaning only the vendor knows. */
  | 'raw-data'
  /** Recorded voices. */
  | 'voice'
  /** Surfaces of bodies, faces among them. */
  | 'surface-scan'

/** Policies under which no object passes unless a person lets it; they are reasons, too. */
export type AlwaysHeld = Extract<
  ObjectPolicy,
  'encapsulated-document' | 'raw-data' | 'voice' | 'surface-scan'
>

const alwaysHeld: ReadonlySet<ObjectPolicy> = new Set<AlwaysHeld>([
  'encapsulated-document',
  'raw-data',
  'voice',
  'surface-scan',
])

export function isAlwaysHeld(policy: ObjectPolicy): policy is AlwaysHeld {
  return alwaysHeld.has(policy)
}

const root = '1.2.840.10008.5.1.4.1.1.'

/** Class UIDs without the root they share, by policy. */
const classes: Readonly<Record<ObjectPolicy, string>> = {
  // CR, DX, MG, IO, CT, MR, NM, XA, RF, tomosynthesis, IVOCT, parametric maps, SEG, ophthalmic, slides, PET, RT images and doses
  image: `1 1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 2 2.1 2.2 4 4.1 4.3 4.4 5 12.1 12.1.1 12.2 12.2.1 12.3
    13.1.1 13.1.2 13.1.3 13.1.4 13.1.5 14.1 14.2 20 30 77.1.2 77.1.3 77.1.5.1 77.1.5.2 77.1.5.4
    77.1.5.5 77.1.5.6 77.1.5.7 77.1.6 77.1.5.8 81.1 82.1 128 128.1 130 481.1 481.2 601.1 601.2 66.4 66.7 66.8`,
  // US, SC, endoscopy, video, photographs, trial VL
  screen: `3 3.1 6 6.1 6.2 6.3 7 7.1 7.2 7.3 7.4 77.1 77.2 77.1.1 77.1.1.1 77.1.2.1 77.1.4 77.1.4.1
    77.1.7 77.1.8 77.1.9`,
  // spectroscopy, waveforms, registrations, fiducials, surface segmentations, tractography, value
  // mappings, eye measurements, annotations, protocols, RT
  data: `4.2 9.1.1 9.1.2 9.1.3 9.1.4 9.2.1 9.3.1 9.5.1 9.6.1 9.6.2 9.7.1 9.7.2 9.7.3 9.7.4 9.8.1 10 11
    66.1 66.2 66.3 66.5 66.6 67 77.1.5.3 78.1 78.2 78.3 78.4 78.5 78.6 78.7 78.8 79.1
    80.1 90.1 91.1 200.2 200.8 481.3 481.4 481.5 481.6 481.7 481.8 481.9 481.10 481.11 481.12
    481.13 481.14 481.15 481.16 481.17 481.18 481.19 481.20 481.21 481.22 481.23 481.24 481.25`,
  report: `88.1 88.2 88.3 88.4 88.11 88.22 88.33 88.34 88.35 88.40 88.50 88.59 88.65 88.67 88.68 88.69
    88.70 88.71 88.72 88.73 88.74 88.75 88.76 88.77`,
  presentation: '11.1 11.2 11.3 11.4 11.5 11.6 11.7 11.8 11.9 11.10 11.11 11.12',
  'encapsulated-document': '104.1 104.2 104.3 104.4 104.5',
  'raw-data': '66',
  voice: '9.4.1 9.4.2',
  'surface-scan': '68.1 68.2',
}

/** Classes under other roots: films on their way to a printer, delivery instructions. */
const others: readonly (readonly [string, ObjectPolicy])[] = [
  ['1.2.840.10008.5.1.1.29', 'screen'],
  ['1.2.840.10008.5.1.1.30', 'screen'],
  ['1.2.840.10008.5.1.4.34.7', 'data'],
  ['1.2.840.10008.5.1.4.34.10', 'data'],
]

const policies = new Map<string, ObjectPolicy>(others)
for (const [policy, uids] of Object.entries(classes)) {
  for (const uid of uids.split(/\s+/)) policies.set(root + uid, policy as ObjectPolicy)
}

export const keyObjectSelection = `${root}88.59`

/** Undefined for a class that has no written policy. */
export function policyOf(SOPClassUID: string): ObjectPolicy | undefined {
  return policies.get(SOPClassUID)
}

/** All policies in a fixed order, for the profile's digest. */
export function allPolicies(): readonly (readonly [string, ObjectPolicy])[] {
  return [...policies].sort(([a], [b]) => (a < b ? -1 : 1))
}
