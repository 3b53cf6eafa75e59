import t from 'tap'
import { RuleSet } from '../../src/lib/classify/index.ts'
import type { DefinitionTrace } from '../../src/lib/classify/rules.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, completed, folder, seriesOf, store, study } from './classified.ts'

const thin = { tag: ['SliceThickness'], operator: '<', value: 2 }
const burnedIn = { tag: ['BurnedInAnnotation'], operator: '==', value: 'YES' }
const has = (value: string) => ({ tag: ['ClassifyType'], operator: 'contains', value })
const rules = [
  { type: 'thin', rules: [thin] },
  { type: 'all thin', check: 'StudyLevel', rules: [thin] },
  { type: 'thin series', check: 'SeriesLevel', rules: [thin] },
  { type: 'none burned in', check: 'StudyLevel', rules: [{ not: burnedIn }] },
  { type: 'localizer', rules: [{ tag: ['ImageType'], operator: 'contains', value: 'LOCALIZER' }] },
  { type: 'complete', check: 'StudyLevel', rules: [has('thin series'), has('localizer')] },
]

/** A study of series, each as the slice thickness of its objects; one of 10 is a localizer. */
function storeStudy(series: readonly (readonly number[])[], burnedInSeries = 0) {
  const directory = folder()
  const records = series.flatMap((thicknesses, number) =>
    thicknesses.map((thickness, at) =>
      store(directory, {
        series: number + 1,
        instanceNumber: at + 1,
        elements: [
          el(0x00180050, 'DS', String(thickness)),
          el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', thickness === 10 ? 'LOCALIZER' : 'AXIAL']),
          el(0x00280301, 'CS', number + 1 === burnedInSeries ? 'YES' : 'NO'),
        ],
      }),
    ),
  )
  const entries = series.map((thicknesses, number) => ({
    SeriesInstanceUID: seriesOf(number + 1),
    instances: thicknesses.length,
  }))
  const instances = records.length
  const record = {
    type: 'study',
    StudyInstanceUID: study,
    path: directory,
    series: entries,
    instances,
    ...completed,
  }
  return { records, record }
}

interface Classified {
  readonly ClassifyType: readonly string[]
  readonly series: readonly { readonly ClassifyType: readonly string[] }[]
  readonly classifyTrace?: readonly DefinitionTrace[]
}

t.test(
  'StudyLevel asks all objects of the study, and none of its series has such a type',
  async (t) => {
    const cases: readonly (readonly [series: number[][], burnedIn: number, types: string[]])[] = [
      [[[1, 1], [1]], 0, ['thin', 'all thin', 'thin series', 'none burned in']],
      [[[1, 1], [5]], 0, ['thin', 'thin series', 'none burned in']],
      [[[1, 5], [5]], 0, ['thin', 'none burned in']],
      [[[1, 1], [1]], 2, ['thin', 'all thin', 'thin series']],
      // One series is thin, another one is the localizer: no series is both, the study is.
      [[[1, 1], [10]], 0, ['thin', 'thin series', 'none burned in', 'localizer', 'complete']],
      [[[1, 5], [10]], 0, ['thin', 'none burned in', 'localizer']],
    ]
    for (const [series, burnedInSeries, types] of cases) {
      const { records, record } = storeStudy(series, burnedInSeries)
      const seen = classifier(rules)
      for (const instance of records) await seen.classify(instance)
      // Once with all objects gone by, once read again.
      for (const each of [seen, classifier(rules)]) {
        const found = (await each.classify(record)) as unknown as Classified
        t.same(found.ClassifyType, types, JSON.stringify(series))
        const ofSeries = found.series.flatMap(({ ClassifyType }) => ClassifyType)
        t.notOk(ofSeries.some((type) => /^all|^none|^complete/.test(type)))
      }
    }
  },
)

t.test('the trace of a study says for how many of its objects it held', async (t) => {
  const { record } = storeStudy([[1, 1], [5]])
  const found = (await classifier(rules, 'strict', { explain: true }).classify(
    record,
  )) as unknown as Classified
  t.match(found.classifyTrace, [
    {
      type: 'all thin',
      check: 'StudyLevel',
      matched: false,
      objects: 2,
      of: 3,
      tests: [{ passed: 2 }],
    },
    { type: 'none burned in', matched: true, objects: 3, of: 3 },
    { type: 'complete', matched: false },
  ])
})

t.test('compat knows no StudyLevel, as the original did not', async (t) => {
  const [warning] = RuleSet.parse(JSON.stringify([rules[1]]), 'compat').warnings
  t.match(warning?.message, /unknown check "StudyLevel"/)
})

t.test('rules that change while a study is read are for the next one', async (t) => {
  const { record } = storeStudy([[1, 1], [1]])
  const changing = classifier(rules)
  const pending = changing.classify(record)
  changing.useRules(RuleSet.parse(JSON.stringify(rules.slice(3)), 'strict'))
  const found = (await pending) as unknown as Classified
  t.same(found.ClassifyType, ['thin', 'all thin', 'thin series', 'none burned in'])
  const next = (await changing.classify(record)) as unknown as Classified
  t.same(next.ClassifyType, ['none burned in'])
})
