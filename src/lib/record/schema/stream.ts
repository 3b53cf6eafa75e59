// Of the stream itself: what goes into it, and what it says of records.
import { Type } from '@sinclair/typebox'
import { absolutePath, count, record, source } from './field.ts'

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
