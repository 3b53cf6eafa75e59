import type { InstanceRecord, PathRecord } from '../record/index.ts'

/** Why a file makes no record: a DICOMDIR (PS3.10 8.6) or, in a folder, something that is not DICOM at all. */
export type SkipReason = 'directory' | 'notDicom'

export type Imported =
  | {
      readonly record: InstanceRecord
      /** To be called when the record is durable. */
      readonly removeSource?: () => Promise<void>
    }
  | { readonly skipped: SkipReason }
  /** It stands for several things. */
  | {
      readonly skipped?: SkipReason
      readonly parts: AsyncIterable<Part>
      /** To be called when every part is done and nothing was left out. */
      readonly removeSource?: () => Promise<void>
    }

/** One of several things that a file brings: a member of a package, or what a DICOMDIR misses. */
export interface Part {
  readonly input: PathRecord
  /** To be called once; several may run at once. */
  readonly import: () => Promise<Exclude<Imported, { parts: unknown }>>
}
