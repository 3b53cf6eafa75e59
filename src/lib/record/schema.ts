// Every record of the pipeline, declared once: the TypeScript types, the validators (compiled at build
// time, so that no tool pays for a schema compiler at start-up) and docs/schema/*.json come from here.
import { Type, type Static, type TObject, type TProperties } from '@sinclair/typebox'

const uid = (description: string) =>
  Type.String({ pattern: '^(?=.{1,64}$)[0-9]+(\\.[0-9]+)*$', description })
const absolutePath = (description: string) =>
  Type.String({ pattern: '^/[^\\u0000]*$', description })
const time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'when the event happened: ISO 8601, UTC, milliseconds',
})
const count = (description: string) => Type.Integer({ minimum: 0, description })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the file, hex' })

/** Unknown fields are kept: a filter never drops what it does not own. */
function record<Name extends string, Fields extends TProperties>(
  type: Name,
  description: string,
  fields: Fields,
) {
  return Type.Object(
    {
      type: Type.Literal(type),
      v: Type.Optional(Type.Literal(1)),
      time: Type.Optional(time),
      project: Type.Optional(Type.String({ description: 'project tree or research project' })),
      ...fields,
    },
    { $id: type, title: type, description, additionalProperties: true },
  )
}

const attributes = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Array(Type.String())]),
  {
    description: 'what routing and people need, by DICOM keyword',
  },
)
const classifyTypes = Type.Array(Type.String(), {
  description: 'types from fiona-classify, in rule order',
})

const source = Type.Object(
  {
    callingAET: Type.Optional(Type.String()),
    calledAET: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    association: Type.Optional(Type.String()),
  },
  { additionalProperties: true, description: 'connection facts' },
)

const sources = Type.Object(
  {
    callingAET: Type.Optional(Type.Array(Type.String())),
    calledAET: Type.Optional(Type.Array(Type.String())),
    address: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: true, description: 'the distinct connection facts of the objects' },
)

export const InstanceSchema = record('instance', 'one SOP instance is stored', {
  path: absolutePath('the stored file'),
  size: count('bytes of the file'),
  sha256: Type.Optional(sha256),
  SOPClassUID: uid('(0008,0016)'),
  SOPInstanceUID: uid('(0008,0018)'),
  SeriesInstanceUID: uid('(0020,000E)'),
  StudyInstanceUID: uid('(0020,000D)'),
  TransferSyntaxUID: uid('(0002,0010)'),
  duplicate: Type.Optional(Type.Boolean({ description: 'the same object was already stored' })),
  conflict: Type.Optional(
    Type.Boolean({ description: 'other bytes under the same SOPInstanceUID were already stored' }),
  ),
  source: Type.Optional(source),
  attributes: Type.Optional(attributes),
  ClassifyType: Type.Optional(classifyTypes),
  views: Type.Optional(Type.Array(Type.String(), { description: 'links made by fiona-organize' })),
})

export const SeriesSchema = record('series', 'a series is complete', {
  SeriesInstanceUID: uid('(0020,000E)'),
  StudyInstanceUID: uid('(0020,000D)'),
  path: Type.Union([absolutePath('directory of the series'), Type.Null()]),
  files: Type.Optional(Type.Array(absolutePath('file'), { description: 'where path is null' })),
  instances: count('objects so far'),
  bytes: count('bytes so far'),
  added: Type.Optional(count('objects this revision brought')),
  reason: Type.String({ description: 'quiet, released, mpps, flush, maxWait' }),
  attributes: Type.Optional(attributes),
  sources: Type.Optional(sources),
  ClassifyType: Type.Optional(classifyTypes),
})

const studySeries = Type.Object(
  {
    SeriesInstanceUID: uid('(0020,000E)'),
    instances: count('objects so far'),
    added: Type.Optional(count('objects this revision brought')),
    bytes: Type.Optional(count('bytes so far')),
    Modality: Type.Optional(Type.String()),
    SeriesDescription: Type.Optional(Type.String()),
    ClassifyType: Type.Optional(classifyTypes),
    files: Type.Optional(Type.Array(absolutePath('file'))),
  },
  { additionalProperties: true },
)

export const StudySchema = record('study', 'a study is complete', {
  StudyInstanceUID: uid('(0020,000D)'),
  path: Type.Union([absolutePath('the directory of the study'), Type.Null()], {
    description:
      'null where the study has no directory to itself; each series then lists its files',
  }),
  series: Type.Array(studySeries),
  instances: count('objects so far'),
  bytes: count('bytes so far'),
  added: Type.Optional(count('objects this revision brought')),
  reason: Type.String({ description: 'quiet, released, mpps, flush, maxWait' }),
  evidence: Type.Optional(Type.Unknown({ description: 'why the study counts as complete' })),
  revision: Type.Integer({
    minimum: 1,
    description: 'one more each time objects arrive after completion',
  }),
  attributes: Type.Optional(attributes),
  sources: Type.Optional(sources),
  warnings: Type.Optional(
    Type.Array(
      Type.Object({ code: Type.String(), where: Type.String() }, { additionalProperties: true }),
      { description: 'what a person must know; patient-conflict: objects of several PatientIDs' },
    ),
  ),
  ClassifyType: Type.Optional(classifyTypes),
  views: Type.Optional(Type.Array(Type.String())),
})

export const MppsSchema = record('mpps', 'a performed procedure step changed', {
  MPPSInstanceUID: uid('SOP Instance UID of the MPPS'),
  status: Type.Union([
    Type.Literal('IN PROGRESS'),
    Type.Literal('COMPLETED'),
    Type.Literal('DISCONTINUED'),
  ]),
  StudyInstanceUID: Type.Optional(uid('(0020,000D)')),
  studies: Type.Optional(
    Type.Array(uid('(0020,000D)'), { description: 'all of them, where one step is for several' }),
  ),
  series: Type.Optional(
    Type.Array(
      Type.Object(
        {
          SeriesInstanceUID: uid('(0020,000E)'),
          instances: Type.Array(uid('(0008,1155)'), { description: 'the objects it made' }),
          ProtocolName: Type.Optional(Type.String()),
          SeriesDescription: Type.Optional(Type.String()),
          RetrieveAETitle: Type.Optional(Type.String()),
        },
        { additionalProperties: true },
      ),
      { description: 'performed series so far; in a final state all of them' },
    ),
  ),
  source: Type.Optional(source),
  attributes: Type.Optional(attributes),
})

export const ReleaseSchema = record(
  'release',
  'a person says that a study is complete: it waits for nothing more',
  {
    StudyInstanceUID: uid('(0020,000D)'),
    releasedBy: Type.Optional(Type.String({ description: 'the account that said so' })),
  },
)

export const AssociationSchema = record(
  'association',
  'an association that sent objects has ended',
  {
    association: Type.String({ minLength: 1, description: 'as in the source of its objects' }),
    end: Type.String({ description: 'released, aborted, closed, timeout, stopped' }),
    objects: count('stored'),
    source: Type.Optional(source),
  },
)

const requestFacts = {
  requestId: Type.String({
    minLength: 1,
    description: 'the same for every revision; tells nothing of the study',
  }),
  participant: Type.String({ minLength: 1, description: 'research identity' }),
  event: Type.Optional(Type.String({ description: 'time point of the research project' })),
}

export const RequestSchema = record('request', 'a study shall go to a research project', {
  ...requestFacts,
  StudyInstanceUID: uid('(0020,000D)'),
  revision: Type.Integer({ minimum: 1 }),
  path: Type.Union([absolutePath('the directory of the study'), Type.Null()]),
  series: Type.Array(studySeries),
  requestedBy: Type.Optional(Type.String()),
  exclude: Type.Optional(
    Type.Array(Type.Record(Type.String(), Type.String()), {
      description:
        'objects that stay on the clinical side, as `exclude` of a project has them; beside what the configuration says',
    }),
  ),
})

const reasons = Type.Array(
  Type.Object(
    { code: Type.String(), where: Type.String(), count: count('places') },
    { additionalProperties: true },
  ),
)
/** Where every object is: received = delivered or held + excluded + duplicates. */
const completeness = {
  received: Type.Optional(count('objects that were there to be read')),
  duplicates: Type.Optional(count('the same object again, under another file name')),
  excluded: Type.Optional(
    Type.Record(Type.String(), count('objects'), {
      description: 'objects left out, by the rule of the project',
    }),
  ),
  missing: Type.Optional(count('objects that the input counted and that were not there')),
}

const masks = Type.Array(
  Type.Object(
    {
      rule: Type.String({ description: 'of the profile, by its name or place' }),
      objects: count('objects that are blank in these places'),
      rows: count('of these images'),
      columns: count('of these images'),
      regions: Type.Array(Type.Array(Type.Integer({ minimum: 0 }), { minItems: 4, maxItems: 4 }), {
        description: '[x, y, width, height] in pixels from the upper left corner',
      }),
    },
    { additionalProperties: true },
  ),
  { description: 'where pixels were made blank' },
)

/** What was done with pixels, in records and reports. */
const pixelFacts = {
  masked: count('objects of this revision a part of whose pixels was made blank'),
  regions: count('rectangles that are blank, of all these objects'),
  masks: Type.Optional(masks),
  unlisted: Type.Optional(count('masked objects whose places are not among the masks: too many')),
  searched: count('objects that were searched for text'),
  defaced: Type.Optional(count('objects from which the command of the profile removed faces')),
}

export const DeidentifiedSchema = record('deidentified', 'a de-identified copy is ready', {
  ...requestFacts,
  StudyInstanceUID: uid('the new one'),
  path: absolutePath('directory with the whole study so far'),
  series: Type.Array(
    Type.Object(
      { SeriesInstanceUID: uid('the new one'), instances: count('objects') },
      { additionalProperties: true },
    ),
  ),
  instances: count('objects'),
  bytes: count('bytes'),
  profile: Type.String(),
  profileDigest: Type.String(),
  revision: Type.Integer({ minimum: 1 }),
  removed: Type.Optional(
    Type.Record(Type.String(), count('elements'), { description: 'elements by action' }),
  ),
  ...completeness,
  earlier: Type.Optional(
    count(
      'objects of earlier revisions that the input does not name; they are among the instances',
    ),
  ),
  verified: Type.Optional(
    Type.Object(
      {
        objects: count('outputs that were read again and searched'),
        terms: count('different terms known of the patient, staff and study'),
      },
      { additionalProperties: true, description: 'the search for the patient in what goes out' },
    ),
  ),
  pixels: Type.Optional(
    Type.Object(pixelFacts, {
      additionalProperties: true,
      description: 'only where the profile does something with pixels',
    }),
  ),
  waived: Type.Optional(reasons),
})

export const HeldSchema = record('held', 'a person must look first: nothing of this goes on', {
  requestId: Type.String({ minLength: 1 }),
  participant: Type.Optional(Type.String()),
  StudyInstanceUID: Type.Optional(uid('of the clinic, where fiona-request holds it')),
  ...completeness,
  reasons,
  how: Type.String({ description: 'the command that releases or drops it' }),
})

export const ReportSchema = record(
  'report',
  'what de-identification did with a study, for a data protection officer; no original value',
  {
    ...requestFacts,
    StudyInstanceUID: uid('the new one'),
    revision: Type.Integer({ minimum: 1, description: 'the latest' }),
    instances: count('objects delivered'),
    ...completeness,
    earlier: Type.Optional(count('objects of earlier revisions')),
    profile: Type.String(),
    profileDigest: Type.String({ description: 'names the exact rules' }),
    elements: Type.Record(Type.String(), count('elements'), {
      description: 'elements of the latest revision, by what was done with them',
    }),
    verified: Type.Union([
      Type.Object({ objects: count('searched'), terms: count('searched for') }),
      Type.Null(),
    ]),
    pixels: Type.Optional(
      Type.Object(pixelFacts, { description: 'only where something was done with pixels' }),
    ),
    waived: reasons,
  },
)

export const TransferSchema = record('transfer', 'how a delivery ended', {
  requestId: Type.String(),
  destination: Type.String(),
  destinations: Type.Optional(
    Type.Array(Type.String(), {
      description: 'all that the study goes to: it is delivered when it was sent to each',
    }),
  ),
  status: Type.Union([Type.Literal('sent'), Type.Literal('partial'), Type.Literal('refused')]),
  instances: Type.Object(
    { sent: count('of this run'), failed: count('of this run') },
    { additionalProperties: true },
  ),
  converted: Type.Optional(
    Type.Array(
      Type.Object(
        {
          from: Type.String({ description: 'transfer syntax of the files' }),
          to: Type.String({ description: 'transfer syntax in which they were sent' }),
          instances: count('of this run'),
        },
        { additionalProperties: true },
      ),
      { description: 'objects that were sent, without loss, in another transfer syntax' },
    ),
  ),
  attempts: count('tries'),
  seconds: Type.Number({ minimum: 0 }),
  committed: Type.Boolean({ description: 'storage commitment confirmed' }),
  verified: Type.Boolean({ description: 'found at the destination' }),
})

export const ExportSchema = record('export', 'an export package is ready', {
  path: absolutePath('the package'),
  format: Type.String(),
  bytes: count('bytes'),
  sha256,
  manifest: Type.Unknown(),
})

export const MarkSchema = record('mark', 'everything before is done', {
  seq: count('number of the mark'),
  committed: Type.Optional(count('the highest mark whose effects are durably committed')),
})

export const ErrorSchema = record('error', 'a record could not be handled', {
  tool: Type.String(),
  code: Type.String({ description: 'stable, for example E_DICOM_PARSE' }),
  message: Type.String({ description: 'what happened, what to do' }),
  retryable: Type.Boolean(),
  record: Type.Unknown({ description: 'the input' }),
})

export const PathSchema = record('path', 'a file or folder that is to be imported', {
  path: absolutePath('of the file or folder; U+FFFD stands for bytes that are not UTF-8'),
  bytes: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9+/]+={0,2}$',
      description: 'the path as it is, base64, where it is not UTF-8',
    }),
  ),
  member: Type.Optional(Type.String({ description: 'one file in the ZIP or tar file at path' })),
  source: Type.Optional(source),
})

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
