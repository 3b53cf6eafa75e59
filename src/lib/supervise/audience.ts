import type { Config } from '../config/index.ts'
import type { PartReport } from '../control/index.ts'
import type { AnyRecord } from '../record/index.ts'
import type { PartEvent } from './part-event.ts'
import type { Site } from './prepare-site.ts'

/**
 * Who reads what a running chain says on stdout. A write that fails is no reason to stop the chain:
 * whoever went away has seen enough.
 */
export interface Audience {
  /** The ports are free and the site is prepared; `config` is what is in force. */
  starting(config: Config, site: Site): Promise<void>
  /** The parts are being started; `parts` tells at any time how they are. */
  running?(parts: () => readonly PartReport[]): void
  happened(event: PartEvent): void
  /** Absent: it is not told of records, and no journal is followed for it. */
  readonly record?: (journal: string, record: AnyRecord) => void
  stopping(): void
  /** Resolves when the last line is written. */
  stopped(): Promise<void>
}
