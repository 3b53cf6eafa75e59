import type { ObjectSource } from '../intake/index.ts'
import type { Uid } from '../uid/index.ts'
import type { JsonDataSet } from './json-data-set.ts'

/** A performed procedure step as it is kept. */
export interface Step {
  readonly MPPSInstanceUID: Uid
  /** When N-CREATE and the last change came; ISO 8601, UTC. */
  readonly created: string
  readonly changed: string
  /** Whose the last change was. */
  readonly source: ObjectSource
  /**
   * The modality is known to have heard that the last change was taken. Until then the same request may
   * come again, and is answered as it was.
   */
  readonly heard: boolean
  /** All that was said of it so far, by N-CREATE and every N-SET. */
  readonly dataSet: JsonDataSet
}
