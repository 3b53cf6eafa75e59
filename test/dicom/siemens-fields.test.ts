import t from 'tap'
import fc from 'fast-check'
import { readCsaHeader } from '../../src/lib/dicom/csa-header.ts'
import { DicomFile, siemensField, siemensFieldNames } from '../../src/lib/dicom/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

type Tags = readonly (readonly [name: string, ...values: string[]])[]

function number32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, at) => bytes.writeInt32LE(value, at * 4))
  return bytes
}

/** A header as the scanners write it: three empty items behind the values of each tag. */
function csa(tags: Tags, version: 1 | 2 = 2): Buffer {
  const items = (values: readonly string[]) => [...values, '', '', '']
  const first = items(tags[0]?.slice(1) ?? []).length
  const parts = tags.map(([name, ...values]) => {
    const written = items(values)
    const head = Buffer.concat([
      Buffer.from(name.padEnd(64, '\0'), 'latin1'),
      number32(values.length),
      Buffer.from('LO\0\0'),
      number32(19, written.length, 77),
    ])
    const bodies = written.map((value) => {
      const text = value === '' ? Buffer.alloc(0) : Buffer.from(`${value}\0`, 'latin1')
      const { length } = text
      const lengths =
        version === 2
          ? number32(length, length, 77, length)
          : number32(length + first, length, 77, length)
      return Buffer.concat([lengths, text, Buffer.alloc((4 - (length % 4)) % 4)])
    })
    return Buffer.concat([head, ...bodies])
  })
  const signature = version === 2 ? Buffer.from('SV10\x04\x03\x02\x01', 'latin1') : Buffer.alloc(0)
  return Buffer.concat([signature, number32(tags.length, 77), ...parts])
}

const tags: Tags = [
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
