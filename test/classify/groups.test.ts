import t from 'tap'
import { RuleSet } from '../../src/lib/classify/index.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

const yes = { tag: ['Modality'], value: '^CT$' }
const no = { tag: ['Modality'], value: '^MR$' }
const lacking = { tag: ['SequenceName'], value: '.' }

const table: readonly (readonly [name: string, entry: object, holds: boolean])[] = [
  ['all', { all: [yes, yes] }, true],
  ['all but one', { all: [yes, no] }, false],
  ['any', { any: [no, yes] }, true],
  ['any of none that holds', { any: [no, lacking] }, false],
  ['not of one', { not: no }, true],
  ['not of what holds', { not: [yes] }, false],
  ['not of several is not of all together', { not: [yes, no] }, true],
  ['not of what the object lacks', { not: lacking }, true],
  ['not of a negated test', { not: { ...no, negate: 'yes' } }, false],
  ['groups in groups', { any: [no, { all: [yes, { not: { any: [no, lacking] } }] }] }, true],
  ['a reference in a group', { any: [no, { rule: 'CT' }] }, true],
  ['a negated reference in a group', { any: [no, { notrule: 'CT' }] }, false],
]

t.test('all, any and not mean what they say, one in another', async (t) => {
  const record = store(folder(), {})
  for (const [name, entry, holds] of table) {
    const rules = [
      { type: 'ct', id: 'CT', rules: [yes] },
      { type: 'grouped', rules: [entry] },
    ]
    t.same(await typesOf(classifier(rules), record), holds ? ['ct', 'grouped'] : ['ct'], name)
  }
})

t.test(
  'a group may ask for types, found or absent, whatever the order of definitions',
  async (t) => {
    const has = (type: string) => ({ tag: ['ClassifyType'], operator: 'contains', value: type })
    const rules = [
      { type: 'neither', rules: [{ not: { any: [has('b'), has('c')] } }] },
      { type: 'plain', rules: [{ not: { any: [has('c'), has('d')] } }] },
      { type: 'a', rules: [{ any: [has('b'), no] }] },
      { type: 'b', rules: [yes] },
      { type: 'c', rules: [no] },
      { type: 'd', rules: [no] },
    ]
    t.same(await typesOf(classifier(rules), store(folder(), {})), ['plain', 'a', 'b'])
  },
)

t.test('an explanation goes into groups', async (t) => {
  const each = classifier([{ type: 'T', rules: [{ not: { any: [no, yes] } }] }], 'strict', {
    explain: true,
  })
  const elements = [el(0x00080060, 'CS', 'CT')]
  t.match((await each.classify(store(folder(), { elements })))['classifyTrace'], [
    {
      matched: false,
      tests: [
        {
          group: 'not',
          passed: false,
          tests: [
            {
              group: 'any',
              passed: true,
              tests: [
                { found: 'CT', passed: false },
                { found: 'CT', passed: true },
              ],
            },
          ],
        },
      ],
    },
  ])
})

t.test('a group that is none is a mistake with its place', async (t) => {
  const refused = (entry: object, message: RegExp, semantics: 'strict' | 'compat' = 'strict') => {
    const text = JSON.stringify([{ type: 'T', id: 'T', rules: [entry] }])
    t.throws(() => RuleSet.parse(text, semantics, 'r'), { code: 'E_RULES', message })
  }
  refused({ any: [] }, /^r:1:\d+: "any" is an array of tests that is not empty, not \[\]/)
  refused({ all: yes }, /"all" is an array of tests/)
  refused({ not: 'T' }, /"not" is an array of tests/)
  refused({ any: [yes], negate: 'yes' }, /"any" stands alone/)
  refused({ any: [yes], all: [yes] }, /"any" stands alone/)
  refused({ any: [{ tag: ['Modalty'], value: 'x' }] }, /did you mean "Modality"/)
  refused({ any: [yes, { rule: 'none' }] }, /no definition has the id "none"/)
  refused({ not: { any: [{ rule: 'T' }] } }, /in a circle: T → T/)
  refused({ any: [yes] }, /"any" is not known to compat/, 'compat')
})
