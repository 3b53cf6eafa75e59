// Every record of the pipeline, declared once: the TypeScript types, the validators (compiled at build
// time, so that no tool pays for a schema compiler at start-up) and docs/schema/*.json come from here.
import type { Static, TObject } from '@sinclair/typebox'
import { AssociationSchema, InstanceSchema, MppsSchema, ReleaseSchema } from './schema/arrival.ts'
import { ExportSchema, TransferSchema } from './schema/delivery.ts'
import { DeidentifiedSchema, HeldSchema, ReportSchema, RequestSchema } from './schema/project.ts'
import { ErrorSchema, MarkSchema, PathSchema } from './schema/stream.ts'
import { SeriesSchema, StudySchema } from './schema/study.ts'

/** All schemas by record type. */
export const recordSchemas = {
  instance: InstanceSchema,
  series: SeriesSchema,
  study: StudySchema,
  mpps: MppsSchema,
  release: ReleaseSchema,
  association: AssociationSchema,
  request: RequestSchema,
  deidentified: DeidentifiedSchema,
  held: HeldSchema,
  report: ReportSchema,
  transfer: TransferSchema,
  export: ExportSchema,
  path: PathSchema,
  mark: MarkSchema,
  error: ErrorSchema,
} as const satisfies Record<string, TObject>

export type InstanceRecord = Static<typeof InstanceSchema>
export type SeriesRecord = Static<typeof SeriesSchema>
export type StudyRecord = Static<typeof StudySchema>
export type MppsRecord = Static<typeof MppsSchema>
export type ReleaseRecord = Static<typeof ReleaseSchema>
export type AssociationRecord = Static<typeof AssociationSchema>
export type RequestRecord = Static<typeof RequestSchema>
export type DeidentifiedRecord = Static<typeof DeidentifiedSchema>
export type HeldRecord = Static<typeof HeldSchema>
export type ReportRecord = Static<typeof ReportSchema>
export type TransferRecord = Static<typeof TransferSchema>
export type ExportRecord = Static<typeof ExportSchema>
export type PathRecord = Static<typeof PathSchema>
export type MarkRecord = Static<typeof MarkSchema>
export type ErrorRecord = Static<typeof ErrorSchema>
