import type { OutElement } from '../dicom/index.ts'
import type { Decision } from './action.ts'
import type { PixelPolicy } from './pixel-policy.ts'

/** What a project wants done with its objects: read once, the same for every object of the project. */
export interface Profile {
  /** As `deidentified` records name it. */
  readonly name: string
  /** SHA-256 of all that decides what comes out: two outputs of one digest were made by the same rules. */
  readonly digest: string
  readonly statement: Statement
  /** The action for an attribute by its tag alone: the table with the profile's options. */
  readonly decide: (tag: number) => Decision
  /** What becomes of pictures in which a person could be read. */
  readonly pixels: PixelPolicy
}

/** What de-identified objects say of how they were made (PS3.15 E.1.1, PS3.3 C.12.1.1). */
export interface Statement {
  /** DeidentificationMethod (0012,0063): at most 64 characters each. */
  readonly methods: readonly string[]
  /** Items of DeidentificationMethodCodeSequence (0012,0064), of PS3.16 CID 7050. */
  readonly codes: readonly (readonly OutElement[])[]
  /** LongitudinalTemporalInformationModified (0028,0303). */
  readonly longitudinal: 'UNMODIFIED' | 'MODIFIED' | 'REMOVED'
}

/** Texts that are written into every object: no search may take them for the patient's. */
export function textsOf({ methods, codes }: Statement): string[] {
  const CodeMeaning = 0x00080104
  const meanings = codes.flatMap((code) =>
    code.flatMap((element) =>
      element.tag === CodeMeaning && 'value' in element ? [element.value.toString('latin1')] : [],
    ),
  )
  return [...methods, ...meanings]
}
