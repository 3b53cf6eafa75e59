import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import {
  type TestElement,
  ctImage,
  el,
  encapsulated,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'
import { rleFrame } from './frames.ts'
import { bytesOf, deidentify, newUidOf, reasonsOf } from './deidentified.ts'

const storage = '1.2.840.10008.5.1.4.1.1.'
const image = '2.25.30011'
const reference = [
  el(0x00081150, 'UI', `${storage}2`),
  el(0x00081155, 'UI', image),
] satisfies TestElement[]
const code = (meaning: string) => [
  el(0x00080100, 'SH', '1'),
  el(0x00080102, 'SH', 'DCM'),
  el(0x00080104, 'LO', meaning),
]

/** An object without pixels. */
function object(sopClass: string, elements: readonly TestElement[]): Buffer {
  return ctImage({
    sopUID: '2.25.888',
    without: [0x7fe00010],
    elements: [el(0x00080016, 'UI', sopClass), ...elements],
  })
}

async function opened(bytes: Buffer): Promise<DicomFile> {
  const { files, record } = await deidentify([bytes])
  if (files[0] === undefined) throw new Error(JSON.stringify(record))
  return DicomFile.open(files[0])
}

const content = [
  sq(0x0040a730, [
    [
      el(0x0040a010, 'CS', 'CONTAINS'),
      el(0x0040a040, 'CS', 'TEXT'),
      sq(0x0040a043, [code('Finding')]),
      el(0x0040a160, 'UT', 'Mr Zwartkops has a fracture'),
    ],
    [
      el(0x0040a010, 'CS', 'HAS OBS CONTEXT'),
      el(0x0040a040, 'CS', 'PNAME'),
      el(0x0040a123, 'PN', 'Brinkhorst^Anna'),
    ],
    [
      el(0x0040a010, 'CS', 'CONTAINS'),
      el(0x0040a040, 'CS', 'CONTAINER'),
      sq(0x0040a730, [
        [
          el(0x0040a010, 'CS', 'CONTAINS'),
          el(0x0040a040, 'CS', 'IMAGE'),
          sq(0x0040a043, [code('the picture of Zwartkops')]),
          sq(0x00081199, [reference]),
        ],
      ]),
    ],
  ]),
  sq(0x0040a504, [[el(0x00080105, 'CS', 'DCMR'), el(0x0040db00, 'CS', '2010')]]),
]

t.test('of a report only its references remain, with new UIDs', async (t) => {
  using file = await opened(object(`${storage}88.11`, content))
  const items = file.dataSet.get(0x0040a730)?.items ?? []
  t.equal(items.length, 1)
  const [item] = items
  const sop = item?.get(0x00081199)?.items?.[0]
  t.equal(item && file.string(item, 0x0040a040), 'IMAGE')
  t.equal(sop && file.string(sop, 0x00081155), newUidOf(image))
  t.equal(file.dataSet.get(0x0040a504), undefined, 'it follows its template no longer')
})

t.test('a key object still says which template it follows', async (t) => {
  using file = await opened(object(`${storage}88.59`, content))
  t.equal(file.dataSet.get(0x0040a504)?.items?.length, 1)
  t.equal(file.dataSet.get(0x0040a730)?.items?.length, 1)
})

t.test('a report without references gets one empty remark', async (t) => {
  const texts = [sq(0x0040a730, [[el(0x0040a040, 'CS', 'TEXT'), el(0x0040a160, 'UT', 'secret')]])]
  using file = await opened(object(`${storage}88.33`, texts))
  const [item] = file.dataSet.get(0x0040a730)?.items ?? []
  t.equal(item && file.string(item, 0x0040a160), 'ANONYMIZED')
})

t.test('names in a report are known when the images are searched', async (t) => {
  const { record } = await deidentify([
    object(`${storage}88.11`, content),
    ctImage({ elements: [el(0x00181020, 'LO', 'Brinkhorst edition')] }),
  ])
  t.same(reasonsOf(record), ['identity-found'])
})

t.test('a tree of content as deep as the reader allows takes no more than its share', async (t) => {
  let tree = sq(0x0040a730, [[el(0x0040a040, 'CS', 'TEXT'), el(0x0040a160, 'UT', 'x')]])
  for (let depth = 0; depth < 60; depth++) {
    tree = sq(0x0040a730, [[el(0x0040a040, 'CS', 'CONTAINER'), tree]])
  }
  using file = await opened(object(`${storage}88.33`, [tree]))
  t.equal(file.dataSet.get(0x0040a730)?.items?.length, 1)
})

t.test('text and drawings of a presentation state become a point', async (t) => {
  const graphics = [
    sq(0x00700001, [
      [
        sq(0x00081140, [reference]),
        el(0x00700002, 'CS', 'LAYER1'),
        sq(0x00700008, [[el(0x00700006, 'ST', 'Zwartkops')]]),
        sq(0x00700009, [[el(0x00700023, 'CS', 'POLYLINE'), el(0x00700022, 'FL', [1, 2, 3, 4])]]),
      ],
    ]),
    sq(0x00700060, [[el(0x00700002, 'CS', 'LAYER1'), el(0x00700068, 'LO', 'of Zwartkops')]]),
    el(0x00283110, 'UN', Buffer.alloc(0)),
  ]
  using file = await opened(object(`${storage}11.1`, graphics))
  const [item] = file.dataSet.get(0x00700001)?.items ?? []
  t.equal(item && file.string(item, 0x00700002), 'LAYER1')
  const sop = item?.get(0x00081140)?.items?.[0]
  t.equal(sop && file.string(sop, 0x00081155), newUidOf(image))
  t.equal(item?.get(0x00700008), undefined)
  const drawing = item?.get(0x00700009)?.items?.[0]
  t.equal(drawing && file.string(drawing, 0x00700023), 'POINT')
})

t.test('a picture in a report is looked at, and text is no picture', async (t) => {
  const picture = el(0x7fe00010, 'OW', Buffer.alloc(128))
  const { record } = await deidentify([object(`${storage}88.11`, [...content, picture])])
  t.same(reasonsOf(record), ['screen-capture'])
  const text = ctImage({ elements: [el(0x7fe00010, 'UT', 'Zwartkops')] })
  t.same(reasonsOf((await deidentify([text])).record), ['damaged-pixel-data'])
})

t.test('annotations of a waveform are replaced', async (t) => {
  const annotation = sq(0x0040b020, [[el(0x00700006, 'ST', 'seen by Dr. Brinkhorst')]])
  const waveform = sq(0x54000100, [[el(0x54001010, 'OW', Buffer.alloc(8))]])
  using file = await opened(object(`${storage}9.1.1`, [annotation, waveform]))
  const [item] = file.dataSet.get(0x0040b020)?.items ?? []
  t.equal(item && file.string(item, 0x00700006), 'ANONYMIZED')
})

t.test('structures of radiotherapy keep their geometry and lose their labels', async (t) => {
  const structures = [
    el(0x30060002, 'SH', 'ZWARTKOPS'),
    sq(0x30060010, [[el(0x00200052, 'UI', '2.25.1001.9')]]),
    sq(0x30060020, [
      [
        el(0x30060022, 'IS', '1'),
        el(0x30060024, 'UI', '2.25.1001.9'),
        el(0x30060026, 'LO', 'Zwartkops'),
      ],
    ]),
    sq(0x30060039, [[sq(0x30060040, [[el(0x30060050, 'DS', ['1', '2', '3'])]])]]),
  ]
  using file = await opened(object(`${storage}481.3`, structures))
  t.equal(file.string(file.dataSet, 0x30060002), 'ANONYMIZED')
  const [roi] = file.dataSet.get(0x30060020)?.items ?? []
  t.equal(roi && file.string(roi, 0x30060024), newUidOf('2.25.1001.9'))
  t.equal(roi?.get(0x30060026)?.length, 0)
  const contour = file.dataSet.get(0x30060039)?.items?.[0]?.get(0x30060040)?.items?.[0]
  t.same(contour && file.strings(contour, 0x30060050), ['1', '2', '3'])
})

t.test('pixels come out as they went in, in every syntax', async (t) => {
  const pixels = Buffer.from(Array.from({ length: 5_000_000 }, (_, at) => (at * 31) & 0xff))
  for (const transferSyntax of [
    syntax.explicit,
    syntax.implicit,
    syntax.bigEndian,
    syntax.deflated,
  ]) {
    const { files } = await deidentify([
      ctImage({
        transferSyntax,
        rows: 1250,
        columns: 2000,
        elements: [
          el(0x00280101, 'US', 16),
          el(0x00280102, 'US', 15),
          el(0x7fe00010, 'OW', pixels),
        ],
      }),
    ])
    using file = DicomFile.open(files[0] ?? '')
    t.equal(file.transferSyntaxUID, transferSyntax)
    const element = file.dataSet.get(0x7fe00010)
    t.ok(element !== undefined && file.bytes(element).equals(pixels))
  }
  const frames = [rleFrame(1), rleFrame(2)]
  const table = Buffer.alloc(8)
  table.writeUInt32LE(8 + (frames[0]?.length ?? 0), 4)
  const { files, record } = await deidentify([
    ctImage({
      transferSyntax: syntax.rle,
      elements: [el(0x00280008, 'IS', '2'), encapsulated(frames, table)],
    }),
  ])
  t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
  using file = DicomFile.open(files[0] ?? '')
  const fragments = file.dataSet.get(0x7fe00010)?.fragments ?? []
  t.same(
    fragments.map(({ offset, length }) => file.range(offset, length)),
    [table, ...frames],
  )
})

t.test('the object says what was done with it, and no more', async (t) => {
  using file = await opened(ctImage({ elements: [el(0x00280301, 'CS', 'NO')] }))
  const { dataSet } = file
  t.equal(file.string(dataSet, 0x00100010), 'S001')
  t.equal(file.string(dataSet, 0x00100020), 'S001')
  t.equal(file.string(dataSet, 0x00120062), 'YES')
  t.equal(file.string(dataSet, 0x00280303), 'REMOVED')
  t.equal(file.string(dataSet, 0x00280301), 'NO')
  const [method] = dataSet.get(0x00120064)?.items ?? []
  t.equal(method && file.string(method, 0x00080100), '113100')
  t.equal(file.string(dataSet, 0x00080005), 'ISO_IR 100')
  using silent = await opened(ctImage())
  t.equal(silent.dataSet.get(0x00280301), undefined)
})

t.test('an event is the time point of the trial', async (t) => {
  const { files, record } = await deidentify([ctImage()], { event: 'baseline' })
  t.equal(record['event'], 'baseline')
  using file = DicomFile.open(files[0] ?? '')
  t.equal(file.string(file.dataSet, 0x00120050), 'baseline')
})

t.test('file meta information is new, and the preamble empty', async (t) => {
  const object = ctImage({ meta: [el(0x00020016, 'AE', 'SCANNER')] })
  object.write('II*\0', 0, 'latin1')
  const { files } = await deidentify([object])
  using file = DicomFile.open(files[0] ?? '')
  t.same(
    file.meta.elements.map(({ tag }) => tag & 0xffff),
    [0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13],
  )
  t.equal(file.string(file.meta, 0x00020003), file.string(file.dataSet, 0x00080018))
  t.ok(bytesOf(files)[0]?.subarray(0, 128).equals(Buffer.alloc(128)))
})

t.test('a dummy is never what it replaces', async (t) => {
  const elements = [
    // Of PET, which must have dates of its series.
    el(0x00080016, 'UI', `${storage}128`),
    el(0x00120081, 'LO', 'ANONYMIZED'),
    el(0x00080021, 'DA', '19000101'),
    el(0x00080031, 'TM', '000000'),
  ]
  using file = await opened(ctImage({ elements }))
  t.equal(file.string(file.dataSet, 0x00120081), 'REMOVED')
  t.equal(file.string(file.dataSet, 0x00080021), '19000102')
  t.equal(file.string(file.dataSet, 0x00080031), '000001')
})

t.test(
  'UIDs within kept texts become the new ones, and misspelt character sets valid',
  async (t) => {
    const description = `follows 2.25.123456789012345678 of 1.3.6.1.4.1.5962.1.1.2, class ${storage}2 (1.2.3)`
    const file = await opened(
      ctImage({
        elements: [
          el(0x00080005, 'CS', 'latin1'),
          sq(0x00620002, [[el(0x00620006, 'ST', `M\xfcnzer ${description}`)]]),
        ],
      }),
    )
    t.equal(file.string(file.dataSet, 0x00080005), 'ISO_IR 100')
    const [item] = file.dataSet.get(0x00620002)?.items ?? []
    const text = item && file.string(item, 0x00620006)
    t.equal(
      text,
      `M\xfcnzer follows ${newUidOf('2.25.123456789012345678')} of ${newUidOf('1.3.6.1.4.1.5962.1.1.2')}, class ${storage}2 (1.2.3)`,
    )
  },
)
