// What is complete, by the judgement of fiona-arrive.
import { Type } from '@sinclair/typebox'
import { absolutePath, attributes, classifyTypes, count, record, uid } from './field.ts'

const sources = Type.Object(
  {
    callingAET: Type.Optional(Type.Array(Type.String())),
    calledAET: Type.Optional(Type.Array(Type.String())),
    address: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: true, description: 'the distinct connection facts of the objects' },
)

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

export const studySeries = Type.Object(
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
