import t from 'tap'

import { readRows } from '../../src/lib/request/table/read-table.ts'
import { RowIndex } from '../../src/lib/request/table/row-index.ts'

const readTable = (text: string) => {
  const index = new RowIndex()
  return [...readRows(text)].filter((row) => index.add(row))
}

t.test('tables as they come: separators, quotes, line ends, a byte order mark', (t) => {
  const wanted = [
    { line: 2, keys: { AccessionNumber: 'A1' }, project: 'P,Q', participant: 'S1', event: 'base' },
    {
      line: 3,
      keys: { AccessionNumber: 'A2' },
      project: 'P,Q',
      participant: 'S2',
      event: undefined,
    },
  ]
  for (const [separator, end] of [
    [',', '\n'],
    [';', '\r\n'],
    ['\t', '\r'],
  ] as const) {
    const lines = [
      ['AccessionNumber', 'ProjectName', 'subjectid', 'eventname'],
      ['A1', '"P,Q"', '"S1"', 'base'],
      ['A2', '"P,Q"', ' S2 ', ''],
      ['A1', '"P,Q"', 'S1', 'base'],
      ['', '', '', ''],
    ]
    const text = `\uFEFF${lines.map((cells) => cells.join(separator)).join(end)}${end}`
    t.match(readTable(text), wanted, JSON.stringify([separator, end]))
    t.equal(readTable(text).length, 2, 'the same row is one')
  }
  t.match(readTable('sep=;\r\nPatientID;project;participant\r\n007;P;"a ""b"""'), [
    { line: 3, keys: { PatientID: '007' }, participant: 'a "b"' },
  ])
  t.match(readTable('\n\nother,STUDYINSTANCEUID,Project,Participant\nx,1.2,P,S\n'), [
    { line: 4, keys: { StudyInstanceUID: '1.2' } },
  ])
  t.end()
})

t.test('what cannot be used is told with its line', (t) => {
  const header = 'PatientID,project,participant\n'
  for (const [text, line] of [
    ['', 1],
    ['a,b,c\n', 1],
    ['PatientID,participant\n', 1],
    ['PatientID,project,participant,subjectid\n', 1],
    [`${header}1,P,S\n2,P,\n`, 3],
    [`${header}1,P,S\n,P,S\n`, 3],
    [`${header}1,P,S,more\n`, 2],
    [`${header}1,P,S\n\n2,P,"S\n`, 4],
    [`${header}1,P,"S"x\n`, 2],
    [`${header}1,P,S\u0007\n`, 2],
    [`${header}1,P,${'S'.repeat(65_000)}\n`, 2],
    [`${header}1,P,"${'S'.repeat(100_000)}"\n`, 2],
    [`${header}1,P,${'S'.repeat(5_000_000)}`, 2],
    ['PatientID,project,participant,date\n1,P,S,31.12.2026\n', 2],
  ] as const) {
    t.throws(() => readTable(text), { line } as never, text.slice(0, 60))
  }
  t.end()
})

t.test('a row of a hundred thousand is found', (t) => {
  const rows = Array.from({ length: 100_000 }, (_, at) => `A${String(at)},P,S${String(at)}`)
  const table = readTable(`AccessionNumber,project,participant\n${rows.join('\n')}\n`)
  t.equal(table.length, 100_000)
  t.match(table[99_999], { line: 100_001, participant: 'S99999' })
  t.end()
})
