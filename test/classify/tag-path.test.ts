import t from 'tap'
import { RuleSet } from '../../src/lib/classify/index.ts'
import { el, sq, syntax, type TestElement } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

const code = (value: string, meaning: string): TestElement[] => [
  el(0x00080100, 'SH', value),
  el(0x00080104, 'LO', meaning),
]
const elements = [
  sq(0x00400275, [
    [sq(0x00321064, [code('BRAIN', 'MR of the brain'), code('NECK', 'MR of the neck')])],
    [el(0x00400007, 'LO', 'second'), sq(0x00321064, [code('SPINE', 'MR of the spine')])],
  ]),
  sq(0x00189346, [[el(0x00189345, 'FD', 12.5)]]),
  sq(0x52009229, [
    [sq(0x00289110, [[el(0x00180050, 'DS', '2'), el(0x00280030, 'DS', ['1', '1'])]])],
  ]),
]
const codes = 'RequestAttributesSequence.RequestedProcedureCodeSequence.CodeValue'

const cases: readonly (readonly [test: Readonly<Record<string, unknown>>, holds: boolean])[] = [
  [{ tag: [codes], operator: 'contains', value: 'SPINE' }, true],
  [{ tag: [codes], operator: 'contains', value: 'SPIN' }, false],
  [{ tag: [codes], value: "'BRAIN', 'NECK', 'SPINE'" }, true],
  [{ tag: [codes], operator: 'in', value: ['BRAIN', 'NECK', 'SPINE', 'HIP'] }, true],
  [{ tag: [codes], operator: 'in', value: ['BRAIN', 'NECK'] }, false],
  [{ tag: [codes.replace('ce.R', 'ce[1].R')], operator: '==', value: 'SPINE' }, true],
  [{ tag: [codes.replace('ce.R', 'ce[0].R')], operator: 'contains', value: 'SPINE' }, false],
  [{ tag: [codes.replace('ce.R', 'ce[2].R')], operator: 'notexists' }, true],
  [{ tag: ['00400275.00400007'], operator: '==', value: 'second' }, true],
  [{ tag: ['CTDIPhantomTypeCodeSequence.CTDIvol'], operator: '>', value: 12 }, true],
  [
    {
      tag: ['SharedFunctionalGroupsSequence.PixelMeasuresSequence.SliceThickness'],
      operator: '<',
      value: ['SliceThickness'],
    },
    true,
  ],
  [
    {
      tag: ['SliceThickness'],
      operator: '!=',
      value: ['SharedFunctionalGroupsSequence.PixelMeasuresSequence.SliceThickness'],
    },
    true,
  ],
  [
    {
      tag: ['SharedFunctionalGroupsSequence.PixelMeasuresSequence.PixelSpacing'],
      operator: 'approx',
      value: [1, 1],
    },
    true,
  ],
  // A sequence has no value of its own, and what no item has is missing.
  [
    { tag: ['RequestAttributesSequence.RequestedProcedureCodeSequence'], operator: 'exists' },
    false,
  ],
  [{ tag: ['RequestAttributesSequence.RequestedProcedureID'], value: '.*' }, false],
]

t.test('a path looks into all items of the sequences it names, or into one', async (t) => {
  for (const transferSyntax of [syntax.explicit, syntax.implicit]) {
    const record = store(folder(), { elements, transferSyntax })
    for (const [test, holds] of cases) {
      const rules = [{ type: 'T', rules: [test] }]
      t.same(await typesOf(classifier(rules), record), holds ? ['T'] : [], JSON.stringify(test))
    }
  }
})

t.test('each item is read in its own character set', async (t) => {
  const name = (terms: string, text: Buffer): TestElement[] => [
    el(0x00080005, 'CS', terms),
    el(0x00400007, 'LO', text),
  ]
  const items = [
    name('ISO_IR 192', Buffer.from('Sch\u00e4del ')),
    name('ISO_IR 100', Buffer.from('R\u00fccken', 'latin1')),
  ]
  const record = store(folder(), { elements: [sq(0x00400275, items)] })
  const tag = ['RequestAttributesSequence.ScheduledProcedureStepDescription']
  const rules = [{ type: 'T', rules: [{ tag, value: "^\\['Sch\u00e4del', 'R\u00fccken'\\]$" }] }]
  t.same(await typesOf(classifier(rules), record), ['T'])
})

t.test('a path that cannot be one is refused with what was meant', async (t) => {
  const refused: readonly (readonly [path: string, message: RegExp])[] = [
    ['RequestAttributeSequence.CodeValue', /did you mean "RequestAttributesSequence"\?/],
    ['Modality.CodeValue', /Modality is no sequence/],
    ['RequestAttributesSequence.CodeVale', /"CodeVale"; did you mean "CodeValue"\?/],
    [
      'RequestAttributesSequence[x].CodeValue',
      /no attribute is called "RequestAttributesSequence\[x\]"/,
    ],
    ['RequestAttributesSequence.', /no attribute is called ""/],
    [`${'RequestAttributesSequence.'.repeat(65)}CodeValue`, /more than 64 sequences/],
  ]
  for (const [path, message] of refused) {
    const text = JSON.stringify([{ type: 'T', rules: [{ tag: [path], value: 'x' }] }])
    t.throws(() => RuleSet.parse(text, 'strict'), { code: 'E_RULES', message }, path)
  }
})
