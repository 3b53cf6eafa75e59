import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { dataSetBytes, el, raw, sq, syntax } from '../fixtures/dicom-writer.ts'

const sequence = 0x00081199
const instance = 0x00081155
const elements = [
  el(0x00081195, 'UI', '2.25.1'),
  sq(sequence, [
    [el(instance, 'UI', '2.25.11')],
    [],
    [
      el(0x00081150, 'UI', '1.2'),
      el(instance, 'UI', '2.25.13'),
      sq(0x00400275, [[el(0x00400007, 'LO', 'x')]]),
    ],
  ]),
  el(0x00100010, 'PN', 'BEHIND^IT'),
]
const options = { itemByItem: sequence, topLevelOnly: true }

function read(bytes: Buffer, transferSyntax: string) {
  using file = DicomFile.fromDataSet(bytes, transferSyntax, options)
  const items = [...file.items()].map((item) => file.string(item, instance))
  const whole = file
    .strings(file.dataSet, 0x00081195)
    .concat(file.strings(file.dataSet, 0x00100010))
  return { items, whole }
}

for (const [name, transferSyntax, explicitVR, undefinedLengths] of [
  ['implicit', syntax.implicit, false, false],
  ['explicit', syntax.explicit, true, false],
  ['explicit, lengths undefined', syntax.explicit, true, true],
] as const) {
  t.test(
    `a sequence gives its items one by one, and then what is behind it: ${name}`,
    async (t) => {
      const bytes = dataSetBytes(elements, { explicitVR, undefinedLengths })
      t.same(read(bytes, transferSyntax), {
        items: ['2.25.11', undefined, '2.25.13'],
        whole: ['2.25.1', 'BEHIND^IT'],
      })
      // Cut anywhere: told, or the sequence had not begun; never an item that is not whole.
      let refused = 0
      for (let length = 0; length < bytes.length; length++) {
        try {
          const { items } = read(bytes.subarray(0, length), transferSyntax)
          if (items.length !== 0 && items.length !== 3) t.fail(`cut at ${String(length)}`)
        } catch (error) {
          if ((error as { code?: string }).code !== 'E_DICOM_PARSE') throw error
          refused++
        }
      }
      t.ok(refused > bytes.length / 2)
    },
  )
}

t.test('without the sequence there are no items, and a second one is refused', async (t) => {
  const [first, , last] = elements
  if (first === undefined || last === undefined) throw new Error('no elements')
  t.same(read(dataSetBytes([first, last]), syntax.explicit), {
    items: [],
    whole: ['2.25.1', 'BEHIND^IT'],
  })
  const one = dataSetBytes([sq(sequence, [[el(instance, 'UI', '2.25.11')]])])
  t.throws(() => read(Buffer.concat([one, one]), syntax.explicit), { code: 'E_DICOM_PARSE' })
})

t.test('as UN its items are implicit VR (PS3.5 6.2.2); as text it has none', async (t) => {
  const item = Buffer.from('feff00e0 10000000 08005511 08000000'.replaceAll(' ', ''), 'hex')
  const contents = Buffer.concat([item, Buffer.from('2.25.11\0', 'latin1')])
  const header = Buffer.from('08009911 554e 0000'.replaceAll(' ', ''), 'hex')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(contents.length)
  const known = Buffer.concat([header, length, contents])
  t.same(read(dataSetBytes([raw(known, sequence)]), syntax.explicit).items, ['2.25.11'])
  const end = Buffer.from('ffffffff', 'hex')
  const delimiter = Buffer.from('feffdde000000000', 'hex')
  const unknown = Buffer.concat([header, end, contents, delimiter])
  t.same(read(dataSetBytes([raw(unknown, sequence)]), syntax.explicit).items, ['2.25.11'])
  t.same(read(dataSetBytes([el(sequence, 'LO', 'none')]), syntax.explicit).items, [])
})
