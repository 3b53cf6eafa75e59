import t from 'tap'
import { RuleSet, parseCases, testCase } from '../../src/lib/classify/index.ts'
import { folder, seriesOf, store, study, completed } from './classified.ts'

const ruleText = `[
{ "type": "CT", "id": "CT", "rules": [{ "tag": ["Modality"], "value": "^CT$" }] },
{ "type": "thin", "check": "SeriesLevel", "rules": [{ "rule": "CT" }, { "tag": ["SliceThickness"], "operator": "<=", "value": 1 }] },
{ "type": "named", "rules": [{ "tag": ["PatientName"], "value": "Æ|山" }] },
{ "type": "b1000", "rules": [{ "any": [{ "tag": ["0x0019", "SIEMENS MR HEADER", "0x0c"], "operator": "==", "value": 1000 }, { "tag": ["0x0018", "0x9087"], "operator": "==", "value": 1000 }] }] },
{ "type": "signed", "rules": [{ "tag": ["SmallestImagePixelValue"], "operator": "==", "value": -3 }] },
{ "type": "item", "rules": [{ "tag": ["FrameIncrementPointer"], "value": "0018, ?1063" }] }
]`
const rules = RuleSet.parse(ruleText, 'strict', 'rules.json')

async function differing(cases: string): Promise<string[]> {
  const lines = await Promise.all(
    parseCases(cases, 'cases').map((each) => testCase(rules, each, 'cases')),
  )
  return lines.flat()
}
const types = (attributes: unknown, expect: readonly string[]) =>
  differing(JSON.stringify({ name: 'case', attributes, expect }))

t.test('attributes of every kind are read as an object that has them', async (t) => {
  const siemens = { vr: 'LO', Value: ['SIEMENS MR HEADER'] }
  for (const [attributes, expect] of [
    [{ Modality: 'CT', SliceThickness: '0.5' }, ['thin', 'CT']],
    [{ '0008,0060': ['CT'], '00180050': 1 }, ['CT', 'thin']],
    [{ PatientName: 'Ærlig^Åse' }, ['named']],
    [
      { PatientName: { vr: 'PN', Value: [{ Alphabetic: 'Yamada', Ideographic: '山田' }] } },
      ['named'],
    ],
    [{ SpecificCharacterSet: 'ISO_IR 100', PatientName: 'Æ' }, ['named']],
    [{ '00190010': siemens, '0019100c': { vr: 'IS', Value: ['1000'] } }, ['b1000']],
    [{ '00189087': { vr: 'FD', Value: [1000] } }, ['b1000']],
    [{ SmallestImagePixelValue: -3 }, ['signed']],
    [{ FrameIncrementPointer: '00181063' }, ['item']],
    [{ ReferencedImageSequence: [{ Modality: 'CT' }], PatientName: null, Rows: [] }, []],
    [{}, []],
  ] as const) {
    t.same(await types(attributes, expect), [], JSON.stringify(attributes))
  }
})

t.test('what differs is told with the definitions that are to blame', async (t) => {
  const found = await differing(
    `\n{"name":"thick\\u001b","attributes":{"Modality":"CT","SliceThickness":"3"},"expect":["thin","named "]}`,
  )
  t.same(found, [
    'cases:2: thick␛',
    '  missing: thin',
    '    rules.json:3: thin, SeriesLevel, does not hold',
    '      yes rule CT',
    '      no  ["SliceThickness"] <= 1; found 3',
    '    rules.json:2: CT holds',
    '      yes ["Modality"] regexp "^CT$"; found CT',
    '  missing: named ',
    '    rules.json: no definition gives this type; did you mean "named"?',
    '  not expected: CT',
    '    rules.json:2: CT holds',
    '      yes ["Modality"] regexp "^CT$"; found CT',
  ])
})

t.test('of several objects the types of the series count, and how many held', async (t) => {
  const [thin, thick] = ['1', '5'].map((SliceThickness) => ({ Modality: 'CT', SliceThickness }))
  const series = (objects: unknown, expect: readonly string[]) =>
    differing(JSON.stringify([{ name: 'series', objects, expect }]))
  t.same(await series([thin, thin], ['CT', 'thin']), [])
  t.same(await series([thin, thick], ['CT']), [])
  t.match(await series([thin, thick], ['CT', 'thin']), [
    'cases:1: series',
    '  missing: thin',
    '    rules.json:3: thin, SeriesLevel, does not hold, for 1 of 2 objects',
  ])
})

t.test('a record is classified by the objects that it names', async (t) => {
  const directory = folder()
  const record = store(directory, {})
  const ofSeries = {
    type: 'series',
    StudyInstanceUID: study,
    SeriesInstanceUID: seriesOf(1),
    path: directory,
    instances: 1,
    ...completed,
  }
  const ofStudy = {
    ...ofSeries,
    type: 'study',
    series: [{ SeriesInstanceUID: seriesOf(1), instances: 1 }],
  }
  for (const each of [record, ofSeries, ofStudy]) {
    const cases = (expect: readonly string[]) =>
      differing(JSON.stringify({ name: 'r', record: each, expect }))
    t.same(await cases(['CT']), [], each.type)
    t.match(await cases([]), ['cases:1: r', '  not expected: CT', /rules.json:2: CT holds/])
  }
  const gone = { ...record, path: `${directory}/gone.dcm` }
  const lines = await differing(JSON.stringify({ name: 'r', record: gone, expect: ['CT'] }))
  t.match(lines, ['cases:1: r', /cannot be classified: there is no file at .*gone.dcm/])
})

t.test('a mistake in the test file is refused with line, column and remedy', (t) => {
  const of = (attributes: string) => `\n {"name":"x","attributes":${attributes},"expect":[]}`
  for (const [text, message] of [
    ['', 'cases:1:1: there is no case in it'],
    ['[]', 'cases:1:1: there is no case in it'],
    ['{"name":"x"', /^cases:1:12: not JSON: /],
    ['7', /^cases:1:1: a case is an object .*, not 7/],
    ['{"name":"x","attributes":{},"expects":[]}', /"expects"; did you mean "expect"/],
    ['{"name":"x","attributes":{}}', /a case needs "expect"/],
    ['{"attributes":{},"expect":[]}', /a case needs a "name"/],
    ['{"name":"x","expect":[]}', /a case has one of "attributes"/],
    ['{"name":"x","attributes":{},"objects":[{}],"expect":[]}', /a case has one of/],
    ['{"name":"x","objects":[],"expect":[]}', /"objects" is an array/],
    ['{"name":"x","record":[],"expect":[]}', /a record is an object/],
    ['{"name":"x","attributes":{},"expect":[1]}', /a type is a text, not 1/],
    [of('{}') + of('{}'), /^cases:3:2: the case in line 2 has the name "x" already/],
    [of('{"Modalty":"CT"}'), /^cases:2:28: "Modalty" is no attribute .* mean "Modality"/],
    [of('{"00020010":"1.2"}'), /\(0002,0010\) is no attribute of a data set/],
    [of('{"FFFEE000":"1.2"}'), /\(FFFE,E000\) is no attribute of a data set/],
    [of('{"Rows":1,"0028,0010":2}'), /\(0028,0010\) stands there twice/],
    [of('{"0019100c":"1000"}'), /the VR of \(0019,100C\) is not known/],
    [of('{"Rows":70000}'), /this is no value of VR US, not 70000/],
    [of('{"Rows":1.5}'), /this is no value of VR US/],
    [of('{"Rows":true}'), /this is no value of VR US/],
    [of('{"Modality":true}'), /a value of VR CS is a text or a number, not true/],
    [of('{"Modality":"Æ"}'), /no way to write this text/],
    [of('{"PixelData":"AAAA"}'), /"InlineBinary"/],
    [of('{"00100010":{"vr":"PN","BulkDataURI":"x"}}'), /a value is a text/],
    [of('{"Modality":{"Alphabetic":"x"}}'), /a value is a text/],
    [of('{"ReferencedImageSequence":["x"]}'), /an item of a sequence is an object/],
  ] as const) {
    t.throws(() => parseCases(text, 'cases'), { code: 'E_RULE_TEST', exitCode: 65, message }, text)
  }
  t.end()
})
