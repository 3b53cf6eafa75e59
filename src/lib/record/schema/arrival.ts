// What receivers and people tell of what comes in.
import { Type } from '@sinclair/typebox'
import {
  absolutePath,
  attributes,
  classifyTypes,
  count,
  record,
  sha256,
  source,
  uid,
} from './field.ts'

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
