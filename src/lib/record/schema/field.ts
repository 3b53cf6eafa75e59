// What the schemas of several records are made of.
import { Type, type TProperties } from '@sinclair/typebox'

export const uid = (description: string) =>
  Type.String({ pattern: '^(?=.{1,64}$)[0-9]+(\\.[0-9]+)*$', description })
export const absolutePath = (description: string) =>
  Type.String({ pattern: '^/[^\\u0000]*$', description })
const time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'when the event happened: ISO 8601, UTC, milliseconds',
})
export const count = (description: string) => Type.Integer({ minimum: 0, description })
export const sha256 = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the file, hex',
})

/** Unknown fields are kept: a filter never drops what it does not own. */
export function record<Name extends string, Fields extends TProperties>(
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

export const attributes = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Array(Type.String())]),
  {
    description: 'what routing and people need, by DICOM keyword',
  },
)
export const classifyTypes = Type.Array(Type.String(), {
  description: 'types from fiona-classify, in rule order',
})

export const source = Type.Object(
  {
    callingAET: Type.Optional(Type.String()),
    calledAET: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    association: Type.Optional(Type.String()),
  },
  { additionalProperties: true, description: 'connection facts' },
)
