import fc from 'fast-check'
import t from 'tap'
import { lineFilter, type LineQuestions } from '../../src/lib/journal/index.ts'

const records = [
  { type: 'instance', StudyInstanceUID: '1.2', time: '2026-01-01T00:00:00.000Z', n: 1 },
  { type: 'instance', StudyInstanceUID: '1.2.3', time: '2026-01-02T00:00:00.000Z', n: 2 },
  { type: 'study', StudyInstanceUID: '1.2', time: '2026-01-03T00:00:00.000Z', n: 3 },
  { type: 'note', text: 'study 1.2 instance', n: 4 },
  { type: 'error', record: { StudyInstanceUID: '1.2' }, time: '2026-01-04T00:00:00.000Z', n: 5 },
]
const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('') + 'x\n')
const found = (questions: LineQuestions) =>
  (lineFilter(questions)?.(lines).toString() ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { n: number }).n)

t.test('only what answers to all questions is shown', (t) => {
  t.equal(lineFilter({}), undefined)
  t.same(found({ study: '1.2' }), [1, 3, 5], 'an error by the record it holds')
  t.same(found({ type: 'instance' }), [1, 2])
  t.same(found({ study: '1.2', type: 'study' }), [3])
  t.same(found({ study: '1' }), [])
  t.same(found({ sinceMs: Date.UTC(2026, 0, 2), untilMs: Date.UTC(2026, 0, 4) }), [2, 3])
  t.same(found({ untilMs: Date.UTC(2026, 0, 2) }), [1], 'without a time: not shown')
  t.end()
})

t.test('the shortcut over the text finds what parsing every line finds', (t) => {
  const word = fc.constantFrom('a', 'b', 'ab', '1.2')
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: word, StudyInstanceUID: word })),
      word,
      (all, wanted) => {
        const text = Buffer.from(all.map((record) => `${JSON.stringify(record)}\n`).join(''))
        const shown = lineFilter({ type: wanted })?.(text).toString() ?? ''
        const expected = all.filter(({ type }) => type === wanted)
        t.equal(shown, expected.map((record) => `${JSON.stringify(record)}\n`).join(''))
      },
    ),
    { numRuns: 50 },
  )
  t.end()
})
