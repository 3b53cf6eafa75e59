// What `fiona-ctl status --json` prints, declared once: the types here, docs/schema/status.json from them.
import { type Static, Type, type TProperties, type TSchema } from '@sinclair/typebox'

const fields = <Fields extends TProperties>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false })
const list = <Item extends TSchema>(item: Item, description: string) =>
  Type.Array(item, { description })
const oneOf = <const Values extends readonly string[]>(values: Values, description: string) =>
  Type.Union(
    values.map((value) => Type.Literal<Values[number]>(value)),
    { description },
  )
const text = (description: string) => Type.String({ description })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const time = (description: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
    description: `${description}; ISO 8601, UTC, milliseconds`,
  })

const part = fields({
  name: text('as in the list of parts: receiver, receiver-PROJECT, mpps, front-door, organize …'),
  state: oneOf(
    ['running', 'waiting', 'failing', 'closed', 'stopping', 'stopped'],
    'waiting: for its next start; failing: again and again, the process or the pipeline of the stage; closed: on purpose',
  ),
  pid: Type.Optional(count('of its process')),
  since: Type.Optional(time('when this state began')),
  restarts: Type.Optional(count('how often it was started again')),
  lastError: Type.Optional(text('how it ended last, and what it said at that')),
  hint: Type.Optional(text('what it said is to be done about that')),
  reason: Type.Optional(text('why it is closed')),
})

const failing = fields({
  since: time('the first failure after which nothing was committed any more'),
  failures: count('since then'),
  lastError: text('how the pipeline ended last, and what a tool of FIONA said at that'),
  hint: Type.Optional(text('what it said is to be done')),
})

const stage = fields({
  name: text('of the stage'),
  lag: count('records that it has before it'),
  more: Type.Optional(
    Type.Literal(true, { description: 'there are more: the first 64 MiB were counted' }),
  ),
  oldest: Type.Optional(text('time of the first of them')),
  failing: Type.Optional(
    Type.Object(failing.properties, {
      additionalProperties: false,
      description: 'its pipeline has died three times or more, and nothing was committed since',
    }),
  ),
})

const journal = fields({
  name: text('of the journal'),
  bytes: count('of its segments'),
  today: Type.Optional(count('records since midnight, local time: of errors, held, sent')),
})

const held = fields({
  by: oneOf(
    ['fiona-request', 'fiona-anon'],
    'who holds them: before or while they are de-identified',
  ),
  state: oneOf(
    ['held', 'waiting'],
    'held: a person must look first; waiting: nothing says where they belong',
  ),
  studies: count('so many'),
  since: Type.Optional(time('when the longest of them began to')),
  how: text('the command that lists them, and says how to decide'),
})

const delivery = fields({
  destination: text('its name, or its URL'),
  state: oneOf(
    ['up', 'down', 'unknown', 'stopped'],
    'unknown: nothing was tried since the start; stopped: no fiona-send runs that delivers there',
  ),
  since: Type.Optional(text('when that state began')),
  studies: count('that waited when fiona-send said so last'),
  lastError: Type.Optional(text('of a try, with its code and time')),
})

export const StatusSchema = Type.Object(
  {
    v: Type.Literal(1),
    type: Type.Literal('status'),
    ok: Type.Boolean({ description: 'whether trouble is empty' }),
    runs: oneOf(['systemd', 'fiona up', 'nothing'], 'who runs the parts'),
    pid: Type.Optional(count('of a running fiona up')),
    since: Type.Optional(time('when that was started')),
    parts: list(part, 'in the order of starting'),
    stages: list(stage, 'in the order of a study'),
    deliveries: list(delivery, 'each destination that fiona-send had something for'),
    held: list(held, 'studies that wait for a person'),
    journals: list(journal, 'those there are'),
    disk: Type.Object(
      { freeBytes: count('for FIONA'), reserveBytes: count('receiver.reserveBytes') },
      { additionalProperties: false, description: 'below the reserve no object is accepted' },
    ),
    ports: list(
      fields({
        part: text('whose door it is'),
        port: Type.Integer({ minimum: 0, maximum: 65535 }),
        listening: Type.Boolean(),
      }),
      'of each door',
    ),
    trouble: list(Type.String(), 'what is not well and what to do, a sentence each'),
  },
  {
    $id: 'status',
    title: 'status',
    description: 'what fiona-ctl status --json prints',
    additionalProperties: false,
  },
)

export type SiteStatus = Static<typeof StatusSchema>
export type PartReport = Static<typeof part>
export type StageReport = Static<typeof stage>
export type HeldReport = Static<typeof held>
export type DeliveryReport = Static<typeof delivery>
export type JournalReport = Static<typeof journal>
