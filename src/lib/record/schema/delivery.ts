// What leaves the machine.
import { Type } from '@sinclair/typebox'
import { absolutePath, count, record, sha256 } from './field.ts'

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
