// A study on its way to a research project: who it is there, and what de-identification made of it.
import { Type } from '@sinclair/typebox'
import { absolutePath, count, record, uid } from './field.ts'
import { studySeries } from './study.ts'

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
