// A profile file, declared once: its type, its validator and docs/schema/profile.json come from here. What a schema
// cannot say (tags, templates, patterns, which keys belong to which action) the readers beside it check.
import { type Static, type TSchema, Type } from '@sinclair/typebox'

const text = (title: string, more = {}) => Type.String({ minLength: 1, title, ...more })
const oneOrMore = <One extends TSchema>(one: One, title: string) =>
  Type.Union([one, Type.Array(one, { minItems: 1 })], { title })
const oneOf = <const Values extends readonly string[]>(values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: [...values] })

export const actions = [
  'keep',
  'remove',
  'empty',
  'dummy',
  'set',
  'hash',
  'uid',
  'shiftDate',
  'clean',
  'extract',
  'review',
  'drop',
] as const

const scalar = Type.Union([text('a text'), Type.Number()], { title: 'a text or a number' })
const style = oneOf(['keyed', 'original'])

const rule = Type.Object(
  {
    tag: Type.Optional(oneOrMore(text('a tag'), 'a tag, or a list of tags')),
    vr: Type.Optional(oneOrMore(text('a VR'), 'a VR, or a list of VRs')),
    when: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1 }),
        oneOrMore(scalar, 'a text, a /regular expression/, or a list of them'),
        { minProperties: 1 },
      ),
    ),
    action: oneOf(actions),
    value: Type.Optional(Type.String({ title: 'a text: put it in quotes' })),
    create: Type.Optional(Type.Boolean()),
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    style: Type.Optional(style),
    withoutRoot: Type.Optional(Type.Boolean()),
    pattern: Type.Optional(text('a regular expression: put it in quotes')),
    template: Type.Optional(text('a text: put it in quotes')),
    otherwise: Type.Optional(Type.String({ title: 'a text: put it in quotes' })),
    note: Type.Optional(Type.String()),
  },
  { additionalProperties: false, title: 'a rule: { tag: …, action: … }' },
)

const exclusion = Type.Object(
  {
    modality: Type.Optional(text('a text')),
    SOPClass: Type.Optional(text('a keyword or UID')),
    classifyType: Type.Optional(text('a text')),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    title: 'one or more of modality, SOPClass and classifyType',
  },
)

export const ProfileSchema = Type.Object(
  {
    name: Type.Optional(text('a name', { maxLength: 64, pattern: '^[\\x21-\\x7e]+$' })),
    note: Type.Optional(Type.String()),
    base: Type.Optional(oneOf(['basic', 'none'])),
    options: Type.Optional(Type.Array(text('the name of an option'))),
    vocabulary: Type.Optional(Type.Array(text('a word'), { maxItems: 20000 })),
    honourPrivateDataInformation: Type.Optional(Type.Boolean()),
    dateShift: Type.Optional(
      Type.Object(
        {
          mode: oneOf(['none', 'fixed', 'perParticipant']),
          days: Type.Optional(Type.Integer({ title: 'a whole number of days' })),
          maxDays: Type.Optional(Type.Integer({ title: 'a whole number of days' })),
        },
        { additionalProperties: false },
      ),
    ),
    uidStyle: Type.Optional(oneOf(['keyed', 'original', 'originalUnpadded'])),
    hashStyle: Type.Optional(style),
    rules: Type.Optional(Type.Array(rule, { maxItems: 2000 })),
    tagchange: Type.Optional(Type.Array(text('gggg,eeee=ACTION'))),
    regtagchange: Type.Optional(Type.Array(text('gggg,eeee=REGEX'))),
    pixels: Type.Optional(Type.Unknown()),
    deface: Type.Optional(
      Type.Object(
        {
          command: Type.Optional(
            Type.Array(text('a text: a program, and its arguments'), { minItems: 1 }),
          ),
          seconds: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 86400, title: 'whole seconds, up to a day' }),
          ),
          required: Type.Optional(Type.Boolean()),
          accept: Type.Optional(Type.Boolean()),
          when: Type.Optional(Type.Unknown()),
        },
        { additionalProperties: false },
      ),
    ),
    objects: Type.Optional(
      Type.Object(
        { exclude: Type.Optional(Type.Array(exclusion)) },
        { additionalProperties: oneOf(['keep', 'clean', 'drop', 'review']) },
      ),
    ),
    verify: Type.Optional(
      Type.Object(
        {
          onHit: Type.Optional(oneOf(['hold'])),
          extraTerms: Type.Optional(Type.Array(text('a text'), { maxItems: 10000 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { $id: 'profile', title: 'de-identification profile', additionalProperties: false },
)

export type ProfileText = Static<typeof ProfileSchema>
export type RuleText = NonNullable<ProfileText['rules']>[number]
