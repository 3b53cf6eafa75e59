import type { Element, OutElement } from '../dicom/index.ts'
import type { Decision } from './actions/action.ts'
import type { Rewriting } from './rewriting.ts'
import type { Surroundings } from './surroundings.ts'

/** An element where it is, and what is needed to rewrite it. */
export interface Place {
  readonly around: Surroundings
  readonly element: Element
  /** What was decided for it. */
  readonly decision: Decision
  /** VR by which it is judged: what the file claims counts only where nothing else is known. */
  readonly vr: string
  readonly rewriting: Rewriting
  /** What goes out of an item inside of it: all of its elements, or these only. */
  readonly rewriteItem: (inside: Surroundings, only?: readonly number[]) => OutElement[]
}
