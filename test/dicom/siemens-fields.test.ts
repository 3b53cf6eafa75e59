import t from 'tap'
import fc from 'fast-check'
import { readCsaHeader } from '../../src/lib/dicom/csa-header.ts'
import {
  DicomFile,
  siemensDiffusion,
  siemensField,
  siemensFieldNames,
} from '../../src/lib/dicom/index.ts'
import { csa, type CsaTags } from '../fixtures/csa-writer.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

const tags: CsaTags = [
  ['EchoLinePosition', '32'],
  ['DiffusionGradientDirection', '0.5', '-0.5', '0.7071'],
  ['PhaseEncodingDirectionPositive', '1'],
  ['B_value'],
]

t.test('both versions of the header tell their values by name', async (t) => {
  for (const version of [1, 2] as const) {
    t.same(
      [...readCsaHeader(csa(tags, version))],
      tags.map(([name, ...values]) => [name, values]),
    )
  }
})

t.test('of a damaged header what stands before the damage counts', async (t) => {
  const whole = csa(tags)
  const names = (bytes: Buffer) => [...readCsaHeader(bytes).keys()]
  t.same(names(whole.subarray(0, whole.length - 1)), [
    'EchoLinePosition',
    'DiffusionGradientDirection',
    'PhaseEncodingDirectionPositive',
  ])
  for (const [at, value] of [
    [8, 0x7fffffff], // tags
    [16 + 76, 0x7fffffff], // items of the first tag
    [16 + 76, -1],
    [16 + 84 + 4, 0x7ffffff0], // bytes of its first item
    [16 + 84 + 4, -8],
  ] as const) {
    const damaged = Buffer.from(whole)
    damaged.writeInt32LE(value, at)
    t.same(names(damaged), [], `${String(value)} at ${String(at)}`)
  }
  for (const bytes of [Buffer.alloc(0), Buffer.from('SV10'), Buffer.alloc(500, 0xff)]) {
    t.same(names(bytes), [])
  }
})

t.test('no bytes make it throw or invent what is not there', async () => {
  const whole = csa(tags)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(whole.length),
      (changes, end) => {
        const bytes = Buffer.from(whole.subarray(0, end))
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        const texts = [...readCsaHeader(bytes).values()].flat()
        if (texts.join('').length > bytes.length) throw new Error('more text than bytes')
      },
    ),
    { numRuns: 2000 },
  )
})

const protocol = [
  '<XProtocol> { }',
  '### ASCCONV BEGIN ###',
  'sWipMemBlock.tFree\t = \t""d6a3f1""',
  'sGroupArray.asGroup[0].nSize\t = \t60',
  'SequenceID\t = \t1234',
  '### ASCCONV END ###',
].join('\n')

function object(block: number, creator = 'SIEMENS CSA HEADER', header = csa(tags)): DicomFile {
  const tag = (element: number) => 0x00290000 + block * 0x100 + element
  const elements = [
    el(0x00290000 + block, 'LO', creator),
    el(tag(0x10), 'OB', header),
    el(tag(0x20), 'OB', csa([['MrPhoenixProtocol', protocol]])),
  ]
  return DicomFile.fromBuffer(ctImage({ elements }), { stopAtPixelData: true })
}
const fieldsOf = (file: DicomFile) =>
  Object.fromEntries(siemensFieldNames.map((name) => [name, siemensField(file, name)]))

t.test(
  'the fields of the series JSON are found in whatever block the creator reserved',
  async (t) => {
    const expected = {
      NumSlices: '60',
      MeasID: '1234',
      siemensUUID: 'd6a3f1',
      PhaseEncodingDirectionPositive: '1',
    }
    for (const block of [0x10, 0x11, 0xe0]) t.same(fieldsOf(object(block)), expected)
    const none = Object.fromEntries(siemensFieldNames.map((name) => [name, undefined]))
    t.same(fieldsOf(object(0x10, 'SIEMENS MEDCOM HEADER')), none, 'the block of somebody else')
    t.match(fieldsOf(object(0x10, undefined, Buffer.from('nonsense'))), {
      PhaseEncodingDirectionPositive: undefined,
      NumSlices: '60',
    })
  },
)

t.test('the diffusion weighting of an image, where it has one', (t) => {
  t.equal(siemensDiffusion(object(0x10)), undefined, 'no B_value, no weighting')
  const weighted: CsaTags = [
    ['B_value', '1000'],
    ['DiffusionDirectionality', 'DIRECTIONAL'],
    ['DiffusionGradientDirection', '0.5', '-0.5', '0.7071', '9'],
  ]
  for (const version of [1, 2] as const) {
    t.same(siemensDiffusion(object(0x11, undefined, csa(weighted, version))), {
      B_value: '1000',
      DiffusionDirectionality: 'DIRECTIONAL',
      DiffusionGradientDirection: ['0.5', '-0.5', '0.7071'],
    })
  }
  const b0 = csa([
    ['B_value', '0'],
    ['DiffusionDirectionality', 'NONE'],
  ])
  t.same(siemensDiffusion(object(0x10, undefined, b0)), {
    B_value: '0',
    DiffusionDirectionality: 'NONE',
  })
  t.equal(siemensDiffusion(object(0x10, undefined, csa([['B_value', 'x'.repeat(100)]]))), undefined)
  t.end()
})

t.test('of a header as long as the protocol, only what is asked for becomes text', (t) => {
  const header = csa([
    ['Other', 'x'.repeat(1000)],
    ['B_value', '5'],
  ])
  t.same([...readCsaHeader(header, new Set(['B_value']))], [['B_value', ['5']]])
  t.end()
})
