// fiona.yaml, declared once: types, defaults and the validator (compiled at build time) come from here.
import { Type, type Static, type TProperties } from '@sinclair/typebox'
import { usualDefault } from './default-project.ts'

const text = (fallback?: string) =>
  Type.String(fallback === undefined ? { minLength: 1 } : { minLength: 1, default: fallback })
const path = Type.String({ minLength: 1, pattern: '^[^\\u0000]*$' })
const aeTitle = { minLength: 1, maxLength: 16, pattern: '^[^\\\\\\u0000-\\u001f\\u007f]{1,16}$' }
const port = (fallback?: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 65535,
    ...(fallback === undefined ? {} : { default: fallback }),
  })
/** Of somebody who listens. */
const peerPort = (fallback?: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 65535,
    ...(fallback === undefined ? {} : { default: fallback }),
  })
const positive = (fallback: number) => Type.Number({ exclusiveMinimum: 0, default: fallback })
const strict = <Fields extends TProperties>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false, default: {} })
const optional = <Fields extends TProperties>(fields: Fields) =>
  Type.Optional(Type.Object(fields, { additionalProperties: false }))
const percent = Type.Number({ minimum: 0, maximum: 100 })
const size = (fallback: number) => Type.Integer({ minimum: 0, default: fallback })

const retry = Type.Object(
  {
    max: Type.Integer({ minimum: 0, default: 12 }),
    delaySeconds: positive(30),
    multiplier: Type.Number({ minimum: 1, default: 2 }),
    maxDelaySeconds: positive(3600),
  },
  { additionalProperties: false, default: {} },
)

const priority = Type.Union([Type.Literal('high'), Type.Literal('normal'), Type.Literal('low')])

const destination = Type.Object(
  {
    url: text(),
    callingAET: Type.String({ ...aeTitle, default: 'FIONA' }),
    concurrency: Type.Integer({ minimum: 1, maximum: 64, default: 2 }),
    retry,
    verify: Type.Union([Type.Literal('none'), Type.Literal('commitment'), Type.Literal('find')], {
      default: 'none',
    }),
    /** For verify: commitment. */
    commitment: optional({
      waitSeconds: positive(3600),
      asks: Type.Integer({ minimum: 1, maximum: 100, default: 3 }),
      port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535 })),
    }),
    timeoutSeconds: positive(60),
    window: Type.Optional(
      Type.Union([Type.String({ pattern: '^\\d\\d:\\d\\d-\\d\\d:\\d\\d$' }), Type.Null()]),
    ),
    bandwidthMbit: Type.Optional(Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()])),
    windowOverBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    priority: Type.Optional(priority),
    privateKeyFile: Type.Optional(path),
    passphraseFile: Type.Optional(path),
    knownHostsFile: Type.Optional(path),
    caFile: Type.Optional(path),
    certFile: Type.Optional(path),
    keyFile: Type.Optional(path),
    tokenFile: Type.Optional(path),
    passwordFile: Type.Optional(path),
    /** For s3: where the store is, if not at Amazon. */
    endpoint: Type.Optional(text()),
    region: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
    pathStyle: Type.Optional(Type.Boolean()),
    credentialsFile: Type.Optional(path),
    /** Larger objects go in parts of this size, which a store takes from 5 MiB on. */
    partBytes: Type.Optional(Type.Integer({ minimum: 5 << 20, maximum: 5 * 2 ** 30 })),
    /** Over DICOM: what is not taken compressed, decompressed. */
    transcode: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('lossless')])),
    /** Each series as one file, for sftp: and file:. */
    packages: Type.Optional(Type.Literal('tgz')),
    batch: optional({
      objects: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000 })),
      bytes: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
  },
  { additionalProperties: false },
)

const oneOf = <const Values extends readonly string[]>(values: Values) =>
  Type.Union(values.map((value) => Type.Literal<Values[number]>(value)))

/** What an object must be to be left out; all conditions of an entry count, and one there must be. */
const exclusion = Type.Object(
  {
    modality: Type.Optional(text()),
    sopClass: Type.Optional(Type.String({ maxLength: 64, pattern: '^[0-9]+(\\.[0-9]+)*$' })),
    classifyType: Type.Optional(text()),
  },
  { additionalProperties: false, minProperties: 1 },
)

const textOrTexts = Type.Union([text(), Type.Array(text(), { minItems: 1 })])

/** By connection facts and DICOM keywords; without a condition it would take everything. */
const conditions = Type.Record(Type.String({ minLength: 1 }), textOrTexts, { minProperties: 1 })

/** Templates of paths below the folder of a project (`src/lib/layout`). */
const layouts = Type.Array(text(), { maxItems: 20 })

/** ISO 8601. */
const day = Type.String({ pattern: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$' })

const project = Type.Object(
  {
    match: Type.Optional(Type.Union([conditions, Type.Array(conditions, { minItems: 1 })])),
    receiver: optional({
      port: peerPort(),
      aeTitle: Type.Optional(Type.String(aeTitle)),
      promiscuous: Type.Optional(Type.Boolean()),
    }),
    deidentify: optional({
      profile: Type.Optional(text()),
      iKnow: Type.Optional(Type.Boolean()),
      pseudonym: Type.Optional(oneOf(['fromRequest', 'hash', 'counter'])),
      pattern: Type.Optional(text()),
      keyFile: Type.Optional(path),
      dateShift: optional({
        mode: oneOf(['none', 'fixed', 'perParticipant']),
        days: Type.Optional(Type.Integer({ minimum: -3653, maximum: 3653 })),
        maxDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3653 })),
      }),
    }),
    arrival: optional({
      quietSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      maxWaitSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      longestQuietSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      settledSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    }),
    organize: optional({
      layouts: Type.Optional(layouts),
      layoutsOnly: Type.Optional(Type.Boolean()),
    }),
    exclude: Type.Optional(Type.Array(exclusion)),
    requests: optional({
      naming: Type.Optional(text()),
      autoId: Type.Optional(text()),
      active: Type.Optional(Type.Boolean()),
      from: Type.Optional(day),
      until: Type.Optional(day),
    }),
    destinations: Type.Array(Type.String(), { default: [] }),
    priority: Type.Optional(priority),
  },
  { additionalProperties: false },
)

/** By connection facts and DICOM keywords; without a condition it would take every study. */
const requestRule = Type.Object(
  {
    when: conditions,
    project: text(),
    participant: text(),
    pattern: Type.Optional(text()),
    event: Type.Optional(text()),
  },
  { additionalProperties: false },
)

/** A REDCap server, and the token of each of its projects that is used. */
const redcap = Type.Object(
  {
    url: Type.String({ pattern: '^https?://[^\\s]+$' }),
    /** Of the project Incoming. */
    tokenFile: path,
    projectsTokenFile: Type.Optional(path),
    routingTokenFile: Type.Optional(path),
    couplingTokenFile: Type.Optional(path),
    autoIdTokenFile: Type.Optional(path),
    /** By research project: its own REDCap project. */
    ownTokenFiles: Type.Optional(Type.Record(Type.String({ minLength: 1 }), path)),
    caFile: Type.Optional(path),
    everySeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    callsPerMinute: Type.Optional(Type.Integer({ minimum: 6, maximum: 100_000 })),
    timeoutSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 3600 })),
    couplingDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    hashes: Type.Optional(oneOf(['keyed', 'sha256'])),
  },
  { additionalProperties: false },
)

/** One source of requests: each entry has one of the three. */
const requestSource = Type.Object(
  {
    rules: Type.Optional(Type.Array(requestRule, { minItems: 1 })),
    table: Type.Optional(
      Type.Union([
        path,
        Type.Object(
          { file: path, expireDays: Type.Optional(Type.Number({ exclusiveMinimum: 0 })) },
          { additionalProperties: false },
        ),
      ]),
    ),
    redcap: Type.Optional(redcap),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1 },
)

/** A folder that is emptied into the archive. */
const inbox = Type.Object(
  {
    folder: path,
    project: Type.Optional(text()),
    settleSeconds: Type.Optional(Type.Number({ minimum: 0 })),
  },
  { additionalProperties: false },
)

export const ConfigSchema = Type.Object(
  {
    dataDir: Type.String({ minLength: 1, default: './var' }),
    runDir: Type.Optional(path),
    receiver: strict({
      aeTitle: Type.String({ ...aeTitle, default: 'FIONA' }),
      port: port(11112),
      promiscuous: Type.Boolean({ default: true }),
      allow: Type.Array(
        Type.Object(
          { callingAET: Type.Optional(text()), address: Type.Optional(text()) },
          { additionalProperties: false },
        ),
        { default: [] },
      ),
      tls: optional({ certFile: path, keyFile: path, clientCaFile: Type.Optional(path) }),
      maxAssociations: Type.Integer({ minimum: 1, default: 50 }),
      maxAssociationsPerAddress: Type.Optional(Type.Integer({ minimum: 1 })),
      maxPduBytes: Type.Integer({ minimum: 4096, maximum: 1048576, default: 131072 }),
      idleSeconds: positive(60),
      durability: Type.Union([Type.Literal('fsync'), Type.Literal('none')], { default: 'fsync' }),
      directWrites: Type.Boolean({ default: true }),
      reserveBytes: size(1 << 30),
      peers: Type.Record(
        Type.String({ minLength: 1 }),
        Type.Object(
          { host: text(), port: peerPort(), tls: Type.Optional(Type.Boolean()) },
          { additionalProperties: false },
        ),
        { default: {} },
      ),
      peerPort: peerPort(104),
    }),
    frontDoors: strict({
      journals: Type.Array(oneOf(['received', 'organized', 'requested', 'outbox']), {
        default: ['received', 'organized'],
        uniqueItems: true,
      }),
      mode: Type.String({ pattern: '^0?6[0-7]{2}$', default: '0620' }),
      group: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@-]*\\$?$' })),
    }),
    mpps: optional({ port: port() }),
    inboxes: Type.Array(inbox, { default: [] }),
    intake: strict({
      projects: Type.Union([Type.Literal('first'), Type.Literal('all')], { default: 'first' }),
      default: text(usualDefault),
    }),
    arrival: strict({
      quietSeconds: positive(16),
      maxWaitSeconds: positive(14400),
      longestQuietSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      settledSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
      touchDir: Type.Optional(path),
    }),
    classification: strict({
      rules: Type.Optional(path),
      semantics: Type.Union([Type.Literal('strict'), Type.Literal('compat')], {
        default: 'strict',
      }),
    }),
    organize: strict({
      layouts: { ...layouts, default: [] },
      layoutsOnly: Type.Boolean({ default: false }),
    }),
    projects: Type.Record(Type.String({ minLength: 1 }), project, { default: {} }),
    requests: Type.Array(requestSource, { default: [] }),
    destinations: Type.Record(Type.String({ minLength: 1 }), destination, { default: {} }),
    deidentification: strict({
      keyFile: Type.Optional(path),
      uidRoot: Type.String({ pattern: '^[0-9]+(\\.[0-9]+)*$', maxLength: 24, default: '2.25' }),
      crosswalk: Type.Optional(path),
    }),
    retention: optional({
      archive: optional({
        maxDiskPercent: Type.Optional(percent),
        minAgeDays: Type.Optional(Type.Number({ minimum: 0 })),
        onlyAfterDelivery: Type.Optional(Type.Boolean()),
      }),
      exports: optional({ maxDiskPercent: Type.Optional(percent) }),
    }),
    health: optional({ listen: Type.Optional(text()) }),
    web: optional({ listen: Type.Optional(text()) }),
    /** In the copy that `fiona up` writes: the file an administrator edits; null where there is none. */
    generatedFrom: Type.Optional(Type.Union([path, Type.Null()])),
  },
  { $id: 'config', title: 'fiona.yaml', additionalProperties: false },
)

export type ConfigFile = Static<typeof ConfigSchema>
