import type { Element, OutElement } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'

/** What was done with one element, as it happened. */
export interface Traced {
  readonly element: Element
  /** Or why nothing was decided by the profile. */
  readonly why: Decision | 'request' | 'twice' | 'group length' | 'template' | 'document'
  readonly result: OutElement | undefined
}

export type Trace = (traced: Traced) => void
