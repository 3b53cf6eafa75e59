import { nowIso } from '../record/index.ts'
import { isUid } from '../uid/index.ts'

/**
 * unrecorded: an object of the archive without a record in the journal · unseen: one with a record, and not in the views as
 * it should be · gone: a record whose file is not there · foreign: something in the archive that is no object of it
 */
export type FindingKind = 'unrecorded' | 'unseen' | 'gone' | 'foreign'

/** One thing that is not as it should be. */
export interface Finding {
  readonly type: 'reconcile'
  readonly v: 1
  readonly time: string
  readonly project: string
  readonly StudyInstanceUID?: string
  readonly found: FindingKind
  readonly path: string
  /** Absent where it is left as it is. */
  readonly mended?: true
}

/** @param path in the archive of the project */
export function finding(
  found: FindingKind,
  project: string,
  path: string,
  isMended = false,
): Finding {
  const [, study] = /\/archive\/([^/]+)/.exec(path) ?? []
  return {
    type: 'reconcile',
    v: 1,
    time: nowIso(),
    project,
    ...(isUid(study) ? { StudyInstanceUID: study } : {}),
    found,
    path,
    ...(isMended ? { mended: true } : {}),
  }
}
