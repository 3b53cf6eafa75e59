import fc from 'fast-check'
import t from 'tap'
import {
  fieldsOfLayout,
  isLayout,
  namesOf,
  readLayout,
  readLayouts,
  type Layout,
} from '../../src/lib/layout/index.ts'

function layoutOf(text: string): Layout {
  const read = readLayout(text)
  if (isLayout(read)) return read
  throw new Error(`${text} ${read.problem}`)
}

function pathOf(text: string, values: Readonly<Record<string, string>>): string {
  const layout = layoutOf(text)
  const { directories, file } = namesOf(layout, ({ name }) => values[name])
  return [layout.root, ...directories, file + layout.extension].join('/')
}

t.test('fields are what the object has, in names of the template', (t) => {
  const values = { PatientID: 'P1', StudyDate: '20240102', SOPInstanceUID: '2.25.1' }
  const cases: [template: string, path: string][] = [
    ['flat/{SOPInstanceUID}', 'flat/2.25.1'],
    [
      'bids-like/sub-{PatientID}/{StudyDate}_{StudyTime}/{SOPInstanceUID}.dcm',
      'bids-like/sub-P1/20240102_unknown/2.25.1.dcm',
    ],
    ['a/{StudyTime|no time}/{StationName|}/x.tar.gz', 'a/no time/_/x.tar.gz'],
    ['a/{ PatientID }{PatientID}/im {SOPInstanceUID}', 'a/P1P1/im 2.25.1'],
    ['på/{callingAET|none}/{SOPInstanceUID}.dcm', 'på/none/2.25.1.dcm'],
  ]
  for (const [template, path] of cases) t.equal(pathOf(template, values), path)
  t.end()
})

t.test('whatever the values are, each name is one component that gives the text back', (t) => {
  const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('..', '/', ''))
  fc.assert(
    fc.property(value, value, (PatientID, StudyDate) => {
      const path = pathOf('v/{PatientID}/{StudyDate|-}.dcm'.replace('|-', '|none'), {
        PatientID,
        StudyDate,
      })
      const [, patient = '', file = '', ...deeper] = path.split('/')
      if (deeper.length > 0 || ['', '.', '..'].includes(patient) || path.includes('\0'))
        return false
      if (Math.max(...[patient, file].map((name) => Buffer.byteLength(name))) > 255) return false
      const text = PatientID.trim() === '' ? 'unknown' : PatientID.trim()
      return /~[0-9a-f]{32}$/.test(patient) || decodeURIComponent(patient) === text
    }),
    { numRuns: 500 },
  )
  t.end()
})

t.test('a long name of a file keeps its ending, and room for what tells two files apart', (t) => {
  const path = pathOf('v/{SeriesDescription}.dcm', { SeriesDescription: 'ä'.repeat(1000) })
  t.match(path, /~[0-9a-f]{32}\.dcm$/)
  t.ok(Buffer.byteLength(path.slice(2)) + 17 + 33 <= 255)
  t.end()
})

const refused: readonly [template: string, problem: RegExp][] = [
  ['', /empty name/],
  ['/etc/{PatientID}.dcm', /empty name/],
  ['a//{PatientID}.dcm', /empty name/],
  ['a/{PatientID}/', /empty name/],
  ['a', /needs a folder of its own/],
  ['{PatientID}/x.dcm', /must begin with the name of a folder/],
  ['a{PatientID}/x.dcm', /must begin with the name of a folder/],
  ['../{PatientID}.dcm', /begins with "\."/],
  ['a/../{PatientID}.dcm', /begins with "\."/],
  ['a/-{PatientID}.dcm', /begins with "-"/],
  ['a/{PatientID}./x.dcm', /ends with "\."/],
  ['a/nul/{PatientID}.dcm', /no file system takes everywhere: "nul"/],
  ['archive/{PatientID}.dcm', /keeps things of its own there/],
  ['RAW/{PatientID}.dcm', /keeps things of its own there/],
  ['a/{PatientId}.dcm', /unknown field "PatientId"; did you mean "PatientID"\?/],
  ['a/{SeriesDescripton}.dcm', /did you mean "SeriesDescription"\?/],
  ['a/{calingAET}.dcm', /did you mean "callingAET"\?/],
  ['a/{__proto__}.dcm', /unknown field "__proto__"/],
  ['a/{}.dcm', /unknown field ""/],
  ['a/{x/y}.dcm', /unknown field "x\/y"/],
  ['a/{PixelData}.dcm', /PixelData, which has no text/],
  ['a/{ReferencedSeriesSequence}.dcm', /has no text/],
  ['a/{TransferSyntaxUID}.dcm', /has no text/],
  ['a/{PatientID.dcm', /a \{ without/],
  ['a/PatientID}.dcm', /a \} without/],
  ['a/{{PatientID}}.dcm', /without its other one/],
  ['a/x:{PatientID}.dcm', /has ":" in a name/],
  ['a/x~{PatientID}.dcm', /has "~" in a name/],
  ['a/%2F{PatientID}.dcm', /has "%" in a name/],
  ['a/{PatientID|..\u0000}.dcm', /has "\\u0000" in a name/],
  ['a/{PatientID|a/b}.dcm', /has "\/" in a name/],
  ['a/e\u0301/{PatientID}.dcm', /NFC/],
  [`a/${'x'.repeat(1000)}`, /too long/],
  [`${'a/'.repeat(10)}{PatientID}`, /more than 10 names/],
]
for (const [template, problem] of refused) {
  t.test(`no layout: ${JSON.stringify(template).slice(0, 60)}`, (t) => {
    const read = readLayout(template)
    t.notOk(isLayout(read))
    if (!isLayout(read)) t.match(read.problem, problem)
    t.end()
  })
}

t.test('no text makes the reader throw, and no layout leaves its folder', (t) => {
  const part = fc.oneof(
    fc.constantFrom(
      '/',
      '{',
      '}',
      '|',
      '..',
      'PatientID',
      '{PatientID}',
      'a',
      '{StudyDate|x}',
      '%',
    ),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const read = readLayout(parts.join(''))
      if (!isLayout(read)) return true
      const { directories, file } = namesOf(read, () => '../..')
      return [read.root, ...directories, file].every((name) => name !== '' && !/^\.|\//.test(name))
    }),
    { numRuns: 1000 },
  )
  t.end()
})

t.test('two layouts have two folders, also where capitals are not told from small letters', (t) => {
  const [first, second] = readLayouts(['Days/{StudyDate}.dcm', 'days/{PatientID}.dcm'])
  t.ok(first !== undefined && isLayout(first))
  t.match(second, { problem: 'another layout has the folder days already' })
  t.end()
})

t.test('directories are told apart by what their names tell apart', (t) => {
  const cases: [template: string, ...owners: (string | undefined)[]][] = [
    ['v/{PatientID}/{StudyDate}/{SeriesNumber}/x.dcm', undefined, 'study', 'series'],
    // By day and by kind on purpose: only the last is one study's.
    ['v/{StudyDate}/{Modality}/{PatientID}/x.dcm', undefined, undefined, 'study'],
    ['v/{SeriesDescription}/{PatientID}/{StudyDate}/x.dcm', undefined, undefined, 'series'],
    ['v/{StudyDate}_{SeriesNumber}/x.dcm', 'series'],
    ['v/{PatientID}/x.dcm', undefined],
    ['v/{Modality}/{EchoTime}/x.dcm', undefined, undefined],
    ['v/{PatientID}/{StudyDate}/{Modality}/x.dcm', undefined, 'study', undefined],
    ['v/{StudyInstanceUID}/{SeriesInstanceUID}/x.dcm', undefined, undefined],
    ['v/{StudyInstanceUID}/{SeriesNumber}/x.dcm', undefined, 'series'],
  ]
  for (const [template, ...owners] of cases) t.same(layoutOf(template).owners, owners, template)
  t.same(
    fieldsOfLayout(layoutOf('v/{PatientID}/{StudyDate}{StudyTime}.dcm')).map(({ name }) => name),
    ['PatientID', 'StudyDate', 'StudyTime'],
  )
  t.end()
})
