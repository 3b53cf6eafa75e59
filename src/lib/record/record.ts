import type * as Schema from './schema.ts'

export type {
  AssociationRecord,
  DeidentifiedRecord,
  ErrorRecord,
  ExportRecord,
  HeldRecord,
  InstanceRecord,
  MarkRecord,
  MppsRecord,
  PathRecord,
  ReleaseRecord,
  ReportRecord,
  RequestRecord,
  SeriesRecord,
  StudyRecord,
  TransferRecord,
} from './schema.ts'

/** Each known record by its type. */
export interface RecordTypes {
  instance: Schema.InstanceRecord
  series: Schema.SeriesRecord
  study: Schema.StudyRecord
  mpps: Schema.MppsRecord
  release: Schema.ReleaseRecord
  association: Schema.AssociationRecord
  request: Schema.RequestRecord
  deidentified: Schema.DeidentifiedRecord
  held: Schema.HeldRecord
  report: Schema.ReportRecord
  transfer: Schema.TransferRecord
  export: Schema.ExportRecord
  path: Schema.PathRecord
  mark: Schema.MarkRecord
  error: Schema.ErrorRecord
}

export type RecordType = keyof RecordTypes
export type FionaRecord = RecordTypes[RecordType]

/** Any line of the stream: an object with a type, known to us or not. */
export interface AnyRecord {
  readonly type: string
  readonly [field: string]: unknown
}
