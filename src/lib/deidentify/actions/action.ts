import type { OutElement } from '../../dicom/index.ts'
import type { Place } from '../place.ts'
import type { AttributeType } from '../table/attribute-types.ts'

/**
 * What can be done with an element. The first seven are what PS3.15 Table E.1-1 comes to; how each is done
 * is in `apply-action.ts`.
 */
export type Action =
  /** As it is, if it is what it claims to be; a sequence item by item, by the same rules (K). */
  | 'keep'
  /** X */
  | 'remove'
  /** Zero length (Z). */
  | 'empty'
  /** A value that says nothing and is valid (D). */
  | 'dummy'
  /** Another UID, the same for the same one (U). */
  | 'uid'
  /** A date moved by the participant's days; times stay (C of Retain Longitudinal Modified Dates). */
  | 'shiftDate'
  /** What in it is known to identify nobody (C). */
  | 'clean'
  /** What a rule of the profile puts in its place. */
  | 'write'

export interface Decision {
  readonly action: Action
  /** Why, as `removed` of a `deidentified` record counts it. */
  readonly because: 'rule' | 'table' | 'option' | 'private' | 'unlisted' | 'kept' | 'base'
  /** The rule of the profile: its line in the file, and what it says. */
  readonly rule?: { readonly line: number; readonly action: string }
  /** For `write`: undefined where nothing can be made of the value that is there. */
  readonly write?: (place: Place) => OutElement | undefined
  /** For a value that cannot be kept, cleaned or shifted; `remove` where nothing else is said. */
  readonly otherwise?: 'remove' | 'empty' | 'dummy' | 'uid'
  /** VR by which the value is judged, where the dictionary does not know it. */
  readonly vr?: string
  /** Of the attribute in the object's IOD, where the table leaves it to that: 1 and 1C, 2 and 2C, or 3. */
  readonly type?: AttributeType
}
