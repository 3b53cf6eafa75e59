import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { type JsonDataSet, toJson } from '../../src/lib/mpps/json-data-set.ts'
import { create, isRepetition, set, statusOf } from '../../src/lib/mpps/step-rules.ts'
import { type TestElement, dataSetBytes, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import { beginning, ending, performed, scheduled } from './messages.ts'

const said = (elements: readonly TestElement[]): JsonDataSet => {
  using file = DicomFile.fromDataSet(dataSetBytes(elements), syntax.explicit)
  return toJson(file)
}
const series = { '2.25.1001.1': ['2.25.1001.1.1', '2.25.1001.1.2'] }
const status = (text: string) => el(0x00400252, 'CS', text)
const without = (elements: readonly TestElement[], ...tags: readonly number[]) =>
  elements.filter(({ tag }) => !tags.includes(tag))

/** The status that comes of it, or the status of the refusal. */
const outcome = (ruling: ReturnType<typeof create>) =>
  'refused' in ruling
    ? `0x${ruling.refused.toString(16).padStart(4, '0')}`
    : statusOf(ruling.dataSet)

const inProgress = said(beginning())
const steps: Readonly<Record<string, JsonDataSet>> = {
  'IN PROGRESS': inProgress,
  COMPLETED: { ...inProgress, ...said(ending('COMPLETED', series)) },
  DISCONTINUED: { ...inProgress, ...said(ending('DISCONTINUED', series)) },
}

const transitions: readonly (readonly [from: string, say: string, becomes: string])[] = [
  ['IN PROGRESS', 'nothing of it', 'IN PROGRESS'],
  ['IN PROGRESS', 'IN PROGRESS', 'IN PROGRESS'],
  ['IN PROGRESS', 'COMPLETED', 'COMPLETED'],
  ['IN PROGRESS', 'DISCONTINUED', 'DISCONTINUED'],
  ['IN PROGRESS', 'SCHEDULED', '0x0106'],
  ['IN PROGRESS', 'completed', '0x0106'],
  ['IN PROGRESS', '', '0x0121'],
  ...['COMPLETED', 'DISCONTINUED'].flatMap((final) =>
    ['nothing of it', 'IN PROGRESS', 'COMPLETED', 'DISCONTINUED', 'SCHEDULED', ''].map(
      (say) => [final, say, '0x0110'] as const,
    ),
  ),
]
t.test('N-SET leads from state to state, and out of a final one nothing does', (t) => {
  for (const [from, say, becomes] of transitions) {
    const elements = [...(say === 'nothing of it' ? [] : [status(say)]), performed(series)]
    t.equal(outcome(set(steps[from] ?? {}, said(elements))), becomes, `${from}, says ${say}`)
  }
  t.match(set(steps['COMPLETED'] ?? {}, {}), {
    refused: 0x0110,
    errorID: 0xa710,
    comment: 'Performed Procedure Step Object may no longer be updated',
  })
  t.end()
})

t.test('a step is created IN PROGRESS, in no other state', (t) => {
  t.equal(outcome(create(inProgress)), 'IN PROGRESS')
  for (const other of ['COMPLETED', 'DISCONTINUED', 'SCHEDULED', 'in progress', 'IN PROGRESS\\X']) {
    t.equal(outcome(create(said(beginning(status(other))))), '0x0106', other)
  }
  t.equal(outcome(create(said([status('COMPLETED')]))), '0x0106', 'whatever else is missing')
  t.end()
})

const required: readonly (readonly [name: string, tag: number, vr: string])[] = [
  ['Modality', 0x00080060, 'CS'],
  ['PerformedStationAETitle', 0x00400241, 'AE'],
  ['PerformedProcedureStepStartDate', 0x00400244, 'DA'],
  ['PerformedProcedureStepStartTime', 0x00400245, 'TM'],
  ['PerformedProcedureStepStatus', 0x00400252, 'CS'],
  ['PerformedProcedureStepID', 0x00400253, 'SH'],
  ['ScheduledStepAttributesSequence', 0x00400270, 'SQ'],
]
t.test('what N-CREATE must say is missed when absent, and when empty', (t) => {
  for (const [name, tag, vr] of required) {
    t.match(create(said(without(beginning(), tag))), {
      refused: 0x0120,
      tags: [tag],
      comment: `missing: ${name}`,
    })
    const empty = vr === 'SQ' ? sq(tag, []) : el(tag, vr)
    t.match(create(said(beginning(empty))), { refused: 0x0121, comment: `missing: ${name}` })
  }
  const scheduleWithout = sq(0x00400270, [[el(0x00080050, 'SH', 'ACC0001')]])
  t.equal(outcome(create(said(beginning(scheduleWithout)))), '0x0120', 'no study')
  t.equal(outcome(create(said(beginning(scheduled(''))))), '0x0121', 'an empty study')
  t.equal(outcome(create({})), '0x0120')
  t.end()
})

t.test('what is of type 2 may be missing', (t) => {
  const needed = beginning().filter(({ tag }) => required.some(([, each]) => each === tag))
  t.equal(outcome(create(said(needed))), 'IN PROGRESS')
  t.end()
})

const hostile = [
  '..',
  '.',
  '../../x',
  '/etc/cron.d/x',
  '1.2/../3',
  '1.2%2e3',
  '1'.repeat(65),
  '1..2',
  '$(id)',
]
t.test('a UID that is none is refused wherever it stands', (t) => {
  for (const text of hostile) {
    t.equal(outcome(create(said(beginning(scheduled(text))))), '0x0106', `study ${text}`)
    t.equal(outcome(create(said(beginning(performed({ [text]: [] }))))), '0x0106', `series ${text}`)
    const objects = performed({ '2.25.1': [text] })
    t.equal(outcome(create(said(beginning(objects)))), '0x0106', `object ${text}`)
    t.equal(outcome(set(inProgress, said([objects]))), '0x0106', `object ${text} in N-SET`)
  }
  t.equal(outcome(create(said(beginning(scheduled('1.2\\1.3'))))), '0x0106', 'two in one')
  t.end()
})

t.test('an element of another kind than its own is as good as none', (t) => {
  const asText = el(0x00400270, 'LO', '2.25.1001')
  t.equal(outcome(create(said(beginning(asText)))), '0x0121', 'a sequence as text')
  const asNumber = sq(0x00400270, [[el(0x0020000d, 'US', 7)]])
  t.equal(outcome(create(said(beginning(asNumber)))), '0x0121', 'a UID as number')
  const asSequence = sq(0x00400252, [[el(0x00400252, 'CS', 'IN PROGRESS')]])
  t.equal(outcome(set(inProgress, said([asSequence]))), '0x0121', 'a status as sequence')
  t.equal(outcome(set(inProgress, said([el(0x00400252, 'US', 1)]))), '0x0121', 'as number')
  t.end()
})

t.test('what is said anew replaces what was said, attribute by attribute', (t) => {
  const first = set(inProgress, said([performed(series), el(0x00400254, 'LO', 'Chest')]))
  t.ok('dataSet' in first)
  const later = { '2.25.1001.2': ['2.25.1001.2.1'] }
  const second = set('dataSet' in first ? first.dataSet : {}, said([performed(later)]))
  t.match(second, {
    dataSet: {
      '00100010': inProgress['00100010'],
      '00400254': { Value: ['Chest'] },
      '00400340': said([performed(later)])['00400340'],
    },
  })
  t.equal('dataSet' in second && second.dataSet['00400340']?.Value?.length, 1)
  t.end()
})

t.test('whose step it is, and its schedule, cannot be changed later', (t) => {
  const changes: readonly (readonly [string, TestElement])[] = [
    ['PatientName', el(0x00100010, 'PN', 'Other^Patient')],
    ['PatientID', el(0x00100020, 'LO', 'EX-0008')],
    ['Modality', el(0x00080060, 'CS', 'MR')],
    ['PerformedProcedureStepStartDate', el(0x00400244, 'DA', '20240103')],
    ['PerformedProcedureStepID', el(0x00400253, 'SH', 'PPS2')],
    ['ScheduledStepAttributesSequence', scheduled('2.25.1002')],
    ['AdmissionID', el(0x00380010, 'LO', 'what N-CREATE left open')],
  ]
  for (const [name, element] of changes) {
    const ruling = set(inProgress, said([element]))
    t.match(ruling, { refused: 0x0106, comment: `N-SET may not change ${name}` })
    t.notMatch(JSON.stringify(ruling), /Other|EX-0008/, 'no value is told')
  }
  t.end()
})

t.test('what a modality repeats without need is passed over', (t) => {
  const everything = [...beginning(), ...ending('COMPLETED', series)].filter(
    ({ tag }, at, all) => all.findLastIndex((each) => each.tag === tag) === at,
  )
  const ruling = set(inProgress, said(everything))
  t.equal(outcome(ruling), 'COMPLETED')
  const emptied = set(inProgress, said([el(0x00100010, 'PN'), sq(0x00400270, [])]))
  t.same('dataSet' in emptied && emptied.dataSet['00100010'], inProgress['00100010'], 'kept')
  t.equal('dataSet' in emptied && emptied.dataSet['00400270']?.Value?.length, 1)
  t.end()
})

t.test('COMPLETED needs performed series; what is over needs the UIDs of all it lists', (t) => {
  const nameless = sq(0x00400340, [[el(0x0020000e, 'UI'), el(0x00181030, 'LO', 'CHEST')]])
  const unnumbered = performed({ '2.25.1': [''] })
  const cases: readonly (readonly [string, 'COMPLETED' | 'DISCONTINUED', TestElement, string])[] = [
    ['series', 'COMPLETED', performed(series), 'COMPLETED'],
    ['a series without objects', 'COMPLETED', performed({ '2.25.1': [] }), 'COMPLETED'],
    ['no series', 'COMPLETED', performed(), '0x0121'],
    ['no series', 'DISCONTINUED', performed(), 'DISCONTINUED'],
    ['a series without UID', 'COMPLETED', nameless, '0x0121'],
    ['a series without UID', 'DISCONTINUED', nameless, '0x0121'],
    ['an object without UID', 'COMPLETED', unnumbered, '0x0121'],
  ]
  for (const [what, to, element, becomes] of cases) {
    t.equal(outcome(set(inProgress, said(ending(to, {}, element)))), becomes, `${to}: ${what}`)
  }
  t.equal(outcome(set(inProgress, said([nameless]))), 'IN PROGRESS', 'while it goes on it may')
  const never = said(without(beginning(), 0x00400340))
  t.equal(outcome(set(never, said([status('COMPLETED')]))), '0x0120', 'no sequence at all')
  const before = set(inProgress, said([performed(series)]))
  const onlyStatus = set('dataSet' in before ? before.dataSet : {}, said([status('COMPLETED')]))
  t.equal(outcome(onlyStatus), 'COMPLETED', 'series that were said before count')
  t.end()
})

t.test('a step cannot grow without end', (t) => {
  let step = inProgress
  let ruling = set(step, {})
  let requests = 0
  while ('dataSet' in ruling) {
    step = ruling.dataSet
    const keys = Array.from({ length: 1000 }, (_, at) =>
      (0x00091000 + 0x20000 * requests + at).toString(16).padStart(8, '0').toUpperCase(),
    )
    ruling = set(step, Object.fromEntries(keys.map((key) => [key, { vr: 'LO' }])))
    requests++
  }
  t.equal(outcome(ruling), '0x0213')
  t.equal(requests, 5)
  t.end()
})

t.test('a request that says nothing new is told from one that does', (t) => {
  const over = steps['COMPLETED'] ?? {}
  t.ok(isRepetition(over, said(ending('COMPLETED', series))))
  t.ok(isRepetition(over, said([...ending('COMPLETED', series), el(0x00100010, 'PN')])))
  t.notOk(isRepetition(over, said(ending('DISCONTINUED', series))))
  t.notOk(isRepetition(over, said(ending('COMPLETED', { ...series, '2.25.5': [] }))))
  t.notOk(isRepetition(over, said([el(0x00400280, 'ST', 'a comment')])))
  t.end()
})
