import { type DicomFile, type OutElement, textElement } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import type { ProfileOption } from './profile-options.ts'
import type { DateShift } from '../dates/date-shift.ts'
import type { Rules } from '../rules/index.ts'
import type { Surroundings } from '../surroundings.ts'
import type { PixelPolicy } from '../pixels/index.ts'
import type { FacePolicy } from '../faces/index.ts'

/** What a project wants done with its objects: read once, the same for every object of the project. */
export interface Profile {
  /** As `deidentified` records name it. */
  readonly name: string
  /** SHA-256 of all that decides what comes out: two outputs of one digest were made by the same rules. */
  readonly digest: string
  /** Without the table (`none`) what no rule names passes. */
  readonly base: 'basic' | 'none'
  readonly options: ReadonlySet<ProfileOption>
  readonly statement: Statement
  readonly dateShift: DateShift
  /** Words that cleaned texts keep, folded. */
  readonly vocabulary: ReadonlySet<string>
  /** Asked once for each object, so that what depends on the object is found out once. */
  readonly decider: (object: ObjectFacts) => Decide
  /** What the table, with the options, does with an attribute of the standard where no rule speaks of it. */
  readonly table: (tag: number) => Decision
  /** What the project says besides the table. */
  readonly rules: Rules
  readonly uidStyle: UidStyle
  /** Objects that it does not want, as `exclude` of a project has them. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
  /** Texts that no output may contain, whatever is known of the patient. */
  readonly extraTerms: readonly string[]
  /** By SOP class: for objects of which more is cleaned than of others. */
  readonly variants: ReadonlyMap<string, Profile>
  /** What becomes of pictures in which a person could be read. */
  readonly pixels: PixelPolicy
  /** What becomes of series in which a face could be recognized. */
  readonly faces: FacePolicy
}

/** How UIDs are replaced. The original FIONA's ways have no secret: they are for what was begun so. */
export type UidStyle = 'keyed' | 'original' | 'originalUnpadded'

export function uidWayOf({ options, uidStyle }: Profile): 'kept' | UidStyle {
  return options.has('retainUids') ? 'kept' : uidStyle
}

/** What decides about an object as a whole. */
export interface ObjectFacts {
  readonly file: DicomFile
  readonly SOPClassUID: string
  /** ClassifyType of its series. */
  readonly types: readonly string[]
}

/** The action for one element; asked for every element at every depth. */
export type Decide = (tag: number, around: Surroundings) => Decision

/** What de-identified objects say of how they were made (PS3.15 E.1.1, PS3.3 C.12.1.1). */
export interface Statement {
  /** DeidentificationMethod (0012,0063): at most 64 characters each. */
  readonly methods: readonly string[]
  /** Items of DeidentificationMethodCodeSequence (0012,0064): code values of PS3.16 CID 7050 and their meanings. */
  readonly codes: readonly (readonly [value: string, meaning: string])[]
  /** LongitudinalTemporalInformationModified (0028,0303). */
  readonly longitudinal: 'UNMODIFIED' | 'MODIFIED' | 'REMOVED'
}

/** Texts that are written into every object: no search may take them for the patient's. */
export function textsOf({ methods, codes }: Statement): string[] {
  return [...methods, ...codes.map(([, meaning]) => meaning)]
}

/** An item of DeidentificationMethodCodeSequence. */
export function methodItem([value, meaning]: readonly [string, string]): readonly OutElement[] {
  return [
    textElement(0x00080100, 'SH', value),
    textElement(0x00080102, 'SH', 'DCM'),
    textElement(0x00080104, 'LO', meaning),
  ]
}
