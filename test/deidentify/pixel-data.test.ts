import t from 'tap'
import { ctImage, el, encapsulated, sq, syntax } from '../fixtures/dicom-writer.ts'
import { archived, deidentifierAt, deidentify, newSite, reasonsOf } from './deidentified.ts'
import { box, jpeg2000Frame, jpegFrame, jpegSegment, rleFrame } from './frames.ts'

const storage = '1.2.840.10008.5.1.4.1.1.'
const jpeg2000 = '1.2.840.10008.1.2.4.90'
const jpegLs = '1.2.840.10008.1.2.4.80'
const uncompressed = '1.2.840.10008.1.2.1.98'
const mpeg4 = '1.2.840.10008.1.2.4.102'
const name = 'Zwartkops^Klaasjan'
const frames = (count: number) => el(0x00280008, 'IS', String(count))
const sopClass = (uid: string) => el(0x00080016, 'UI', uid)
const blank = (length: number) => Buffer.alloc(length, 'x')

type Options = NonNullable<Parameters<typeof ctImage>[0]>
const native = (value: Buffer, ...elements: NonNullable<Options['elements']>) =>
  ctImage({ elements: [...elements, el(0x7fe00010, 'OW', value)] })
const compressed = (
  transferSyntax: string,
  fragments: readonly Buffer[],
  ...elements: NonNullable<Options['elements']>
) => ctImage({ transferSyntax, elements: [...elements, encapsulated(fragments)] })
const withTable = (table: Buffer, fragments: readonly Buffer[]) =>
  ctImage({
    transferSyntax: syntax.rle,
    elements: [frames(fragments.length), encapsulated(fragments, table)],
  })
const withExtendedTable = (offsets: number[], lengths: number[], table = Buffer.alloc(0)) =>
  ctImage({
    transferSyntax: syntax.rle,
    elements: [
      frames(2),
      el(0x7fe00001, 'OV', offsets),
      el(0x7fe00002, 'OV', lengths),
      encapsulated([rleFrame(1), rleFrame(2)], table),
    ],
  })
/** 8 x 8 words of 12 bits, of which one may have more. */
const pixels = (word = 0) => {
  const bytes = Buffer.alloc(128)
  for (let at = 0; at < 64; at++) bytes.writeUInt16LE((at * 61) % 4096, at * 2)
  bytes.writeUInt16LE(word, 62)
  return bytes
}
const words = (...values: number[]) => {
  const bytes = Buffer.alloc(8)
  values.forEach((value, at) => bytes.writeUInt32LE(value, at * 4))
  return bytes
}
const rleBytes = rleFrame(0).length
const enclosed = (...content: Buffer[]) =>
  Buffer.concat([box('jP  ', Buffer.from('0d0a870a', 'hex')), ...content])

const passes: Readonly<Record<string, Buffer>> = {
  'as many bytes as the description says': native(pixels()),
  'one more to make them even': ctImage({
    rows: 3,
    columns: 3,
    elements: [
      el(0x00280100, 'US', 8),
      el(0x00280101, 'US', 8),
      el(0x00280102, 'US', 7),
      el(0x7fe00010, 'OW', Buffer.alloc(10, 7)),
    ],
  }),
  'NULs up to the end of a block': native(Buffer.concat([pixels(), Buffer.alloc(70_000)])),
  'bits that are packed over frames': ctImage({
    rows: 3,
    columns: 3,
    elements: [
      sopClass(`${storage}66.4`),
      frames(5),
      el(0x00280100, 'US', 1),
      el(0x00280101, 'US', 1),
      el(0x00280102, 'US', 0),
      el(0x7fe00010, 'OB', Buffer.alloc(6, 0xff)),
    ],
  }),
  'chrominance for two pixels at a time': ctImage({
    elements: [
      el(0x00280002, 'US', 3),
      el(0x00280004, 'CS', 'YBR_FULL_422'),
      el(0x00280100, 'US', 8),
      el(0x00280101, 'US', 8),
      el(0x00280102, 'US', 7),
      el(0x7fe00010, 'OB', Buffer.alloc(128, 9)),
    ],
  }),
  'floating point numbers': ctImage({
    without: [0x7fe00010],
    elements: [sopClass(`${storage}30`), el(0x7fe00008, 'OF', Buffer.alloc(256, 1))],
  }),
  'numbers of double precision': ctImage({
    without: [0x7fe00010],
    elements: [sopClass(`${storage}30`), el(0x7fe00009, 'OD', Buffer.alloc(512, 1))],
  }),
  'negative numbers': native(pixels(0xf800), el(0x00280103, 'US', 1)),
  'a padding value beyond the stored bits': native(
    pixels(63536),
    el(0x00280120, 'US', Buffer.from([0x30, 0xf8])),
  ),
  'big endian': ctImage({ transferSyntax: syntax.bigEndian }),
  'a frame of RLE': compressed(syntax.rle, [rleFrame(3)]),
  'an offset table that is right': withTable(words(0, rleBytes + 8), [rleFrame(1), rleFrame(2)]),
  'an extended offset table that is right': withExtendedTable(
    [0, rleBytes + 8],
    [rleBytes, rleBytes],
  ),
  'frames of JPEG': compressed(syntax.jpegBaseline, [jpegFrame(), jpegFrame()], frames(2)),
  'a frame of JPEG in pieces': compressed(
    syntax.jpegBaseline,
    [jpegFrame().subarray(0, 6), jpegFrame().subarray(6, 30), jpegFrame().subarray(30)],
    frames(1),
  ),
  'frames of JPEG without their end': compressed(
    jpegLs,
    [jpegFrame().subarray(0, -2), jpegFrame()],
    frames(2),
  ),
  'frames of JPEG 2000': compressed(
    jpeg2000,
    [jpeg2000Frame(['Kakadu']), jpeg2000Frame([])],
    frames(2),
  ),
  'a JP2 file where a codestream should be': compressed(jpeg2000, [
    enclosed(box('jp2h', 'x'), box('jp2c', jpeg2000Frame([]))),
  ]),
  'native frames in fragments': compressed(uncompressed, [pixels(), pixels()], frames(2)),
  'a dose of histograms alone': ctImage({
    without: [0x7fe00010, 0x00280010, 0x00280011],
    elements: [sopClass(`${storage}481.2`), sq(0x30040050, [[el(0x30040001, 'CS', 'CUMULATIVE')]])],
  }),
  'spectra instead of pixels': ctImage({
    without: [0x7fe00010],
    elements: [sopClass(`${storage}4.2`), el(0x56000020, 'OF', Buffer.alloc(64))],
  }),
  'frames that are components of one codestream': compressed(
    '1.2.840.10008.1.2.4.92',
    [jpeg2000Frame([])],
    frames(4),
  ),
  'a video of many frames in one fragment': compressed(
    mpeg4,
    [blank(100)],
    frames(25),
    el(0x00280301, 'CS', 'NO'),
  ),
}

for (const [what, object] of Object.entries(passes)) {
  t.test(`${what} pass`, async (t) => {
    const { record } = await deidentify([object])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
  })
}

const held: Readonly<Record<string, readonly [reason: string, object: Buffer]>> = {
  'text behind the pixels': [
    'bytes-behind-pixels',
    native(Buffer.concat([pixels(), Buffer.from(name)])),
  ],
  'two bytes behind the pixels': [
    'bytes-behind-pixels',
    native(Buffer.concat([pixels(), Buffer.from([0, 1])])),
  ],
  'bytes far behind the pixels': [
    'bytes-behind-pixels',
    native(Buffer.concat([pixels(), Buffer.alloc(200_000), Buffer.from(name)])),
  ],
  'more frames than there are': ['bytes-behind-pixels', native(Buffer.alloc(256, 1), frames(1))],
  'bytes behind floating point numbers': [
    'bytes-behind-pixels',
    ctImage({
      without: [0x7fe00010],
      elements: [sopClass(`${storage}30`), el(0x7fe00008, 'OF', Buffer.alloc(260, 1))],
    }),
  ],
  'bytes behind deflated pixels': [
    'bytes-behind-pixels',
    ctImage({
      transferSyntax: syntax.deflated,
      elements: [el(0x7fe00010, 'OW', Buffer.concat([pixels(), Buffer.from(name)]))],
    }),
  ],
  'fewer pixels than there should be': ['incomplete-object', native(pixels().subarray(0, 126))],
  'fewer numbers than there should be': [
    'incomplete-object',
    ctImage({
      without: [0x7fe00010],
      elements: [sopClass(`${storage}30`), el(0x7fe00009, 'OD', Buffer.alloc(256, 1))],
    }),
  ],
  'no pixels': ['incomplete-object', native(Buffer.alloc(0))],
  'an image that was cut in front of its pixels': [
    'incomplete-object',
    ctImage().subarray(0, ctImage().length - 128 - 12),
  ],
  'a picture of a screen without pixels': [
    'incomplete-object',
    ctImage({ without: [0x7fe00010], elements: [sopClass(`${storage}7`)] }),
  ],
  'a waveform without samples': [
    'incomplete-object',
    ctImage({ without: [0x7fe00010], elements: [sopClass(`${storage}9.1.1`)] }),
  ],
  'a spectrum without numbers': [
    'incomplete-object',
    ctImage({ without: [0x7fe00010], elements: [sopClass(`${storage}4.2`)] }),
  ],
  'pixels of no size': ['damaged-pixel-data', ctImage({ without: [0x00280010] })],
  'a number of frames that is none': ['damaged-pixel-data', ctImage({ elements: [frames(0)] })],
  'two kinds of pixels': [
    'damaged-pixel-data',
    ctImage({ elements: [el(0x7fe00008, 'OF', Buffer.alloc(256))] }),
  ],
  'something in bits that are not stored': ['overlay-in-pixel-data', native(pixels(0x1000))],
  'something in such bits of big endian pixels': [
    'overlay-in-pixel-data',
    ctImage({
      transferSyntax: syntax.bigEndian,
      elements: [el(0x7fe00010, 'OW', pixels(0x1000).swap16())],
    }),
  ],
  'something beside the sign': [
    'overlay-in-pixel-data',
    native(pixels(0x1000), el(0x00280103, 'US', 1)),
  ],
  'something below the stored bits': [
    'overlay-in-pixel-data',
    native(Buffer.from(pixels()).fill(0x10, 0, 2), el(0x00280102, 'US', 15)),
  ],
  'more bits stored than there are': [
    'overlay-in-pixel-data',
    native(pixels(), el(0x00280101, 'US', 17)),
  ],
  'no fragments': ['damaged-pixel-data', compressed(syntax.rle, [])],
  'fewer fragments than frames': [
    'incomplete-object',
    compressed(syntax.rle, [rleFrame(1)], frames(2)),
  ],
  'fragments in a native syntax': ['damaged-pixel-data', compressed(syntax.explicit, [pixels()])],
  'native pixels in a compressed syntax': [
    'damaged-pixel-data',
    ctImage({ transferSyntax: syntax.rle }),
  ],
  'an offset table that is a text': [
    'damaged-pixel-data',
    withTable(Buffer.from('Zwartkop'), [rleFrame(1), rleFrame(2)]),
  ],
  'an offset table of more than the frames': [
    'damaged-pixel-data',
    withTable(words(0, rleBytes + 8), [rleFrame(1)]),
  ],
  'an offset table that goes backwards': [
    'damaged-pixel-data',
    withTable(words(0, 0), [rleFrame(1), rleFrame(2)]),
  ],
  'an extended offset table that points elsewhere': [
    'damaged-pixel-data',
    withExtendedTable([0, 17], [rleBytes, rleBytes]),
  ],
  'an extended offset table with wrong lengths': [
    'damaged-pixel-data',
    withExtendedTable([0, rleBytes + 8], [rleBytes, 7]),
  ],
  'an extended offset table of one frame too many': [
    'damaged-pixel-data',
    withExtendedTable([0, rleBytes + 8, 1], [rleBytes, rleBytes, 1]),
  ],
  'two offset tables': [
    'damaged-pixel-data',
    withExtendedTable([0, rleBytes + 8], [rleBytes, rleBytes], words(0, rleBytes + 8)),
  ],
  'an extended offset table of native pixels': [
    'damaged-pixel-data',
    ctImage({ elements: [el(0x7fe00001, 'OV', [0])] }),
  ],
  'bytes behind the runs of a segment': [
    'bytes-behind-pixels',
    compressed(syntax.rle, [rleFrame(1, Buffer.from(name))]),
  ],
  'a fragment more than the frames': [
    'bytes-behind-pixels',
    compressed(syntax.rle, [rleFrame(1), Buffer.from(name)]),
  ],
  'a header of RLE with words in it': [
    'damaged-pixel-data',
    compressed(syntax.rle, [
      Buffer.concat([rleFrame(1).subarray(0, 40), blank(24), rleFrame(1).subarray(64)]),
    ]),
  ],
  'RLE that ends too early': [
    'incomplete-object',
    compressed(syntax.rle, [rleFrame(1).subarray(0, 66)]),
  ],
  'text behind the end of a JPEG frame': [
    'bytes-behind-pixels',
    compressed(syntax.jpegBaseline, [Buffer.concat([jpegFrame(), Buffer.from(name)])]),
  ],
  'another JPEG frame than there are': [
    'bytes-behind-pixels',
    compressed(syntax.jpegBaseline, [jpegFrame(), jpegFrame()]),
  ],
  'a text where a JPEG frame should be': [
    'damaged-pixel-data',
    compressed(syntax.jpegBaseline, [jpegFrame(), Buffer.from(name)]),
  ],
  'a JPEG frame that ends too early': [
    'incomplete-object',
    compressed(syntax.jpegBaseline, [jpegFrame().subarray(0, 10)]),
  ],
  'text behind the end of a codestream': [
    'bytes-behind-pixels',
    compressed(jpeg2000, [Buffer.concat([jpeg2000Frame([]), Buffer.from(name)])]),
  ],
  'a codestream that ends too early': [
    'incomplete-object',
    compressed(jpeg2000, [jpeg2000Frame([]).subarray(0, -8)]),
  ],
  'a tile that is longer than the file': [
    'incomplete-object',
    compressed(jpeg2000, [
      Buffer.concat([jpeg2000Frame([]).subarray(0, 49), Buffer.from('7fffffff00010000', 'hex')]),
    ]),
  ],
  'bytes behind native frames in fragments': [
    'bytes-behind-pixels',
    compressed(uncompressed, [Buffer.concat([pixels(), Buffer.from(name)])]),
  ],
}

for (const [what, [reason, object]] of Object.entries(held)) {
  t.test(`${what} hold the study`, async (t) => {
    const { record, files } = await deidentify([object])
    t.equal(record.type, 'held')
    t.ok(reasonsOf(record).includes(reason), JSON.stringify(record['reasons']))
    t.same(files, [])
    t.notMatch(JSON.stringify(record), /Zwartkops/i)
  })
}

t.test('nothing can stand behind the sequence delimiter', async (t) => {
  const object = compressed(syntax.jpegBaseline, [jpegFrame()])
  for (const trailing of [name, 'x', '\0\0\0\0', 'x'.repeat(100)]) {
    const { record } = await deidentify([Buffer.concat([object, Buffer.from(trailing)])])
    t.same(reasonsOf(record), ['unreadable-object'], trailing)
  }
})

const patient = (...elements: NonNullable<Options['elements']>) => [
  el(0x00100010, 'PN', name),
  el(0x00100030, 'DA', '19610423'),
  ...elements,
]
const ofJpeg = (...segments: Buffer[]) =>
  compressed(syntax.jpegBaseline, [jpegFrame(...segments)], ...patient())
const ofJpeg2000 = (frame: Buffer) => compressed(jpeg2000, [frame], ...patient())

const spoken: Readonly<Record<string, Buffer>> = {
  'a comment of a JPEG frame': ofJpeg(jpegSegment(0xfe, 'scan of ZWARTKOPS')),
  'a birth date in a comment': ofJpeg(jpegSegment(0xfe, 'born 1961:04:23')),
  'application data of a JPEG frame': ofJpeg(jpegSegment(0xe1, `Exif\0\0\x01\x02${name}`)),
  'application data in UTF-16': ofJpeg(jpegSegment(0xed, Buffer.from(`\x01${name}`, 'utf16le'))),
  'a segment nobody knows': ofJpeg(jpegSegment(0xf0, name)),
  'a comment behind a scan': compressed(
    syntax.jpegBaseline,
    [
      Buffer.concat([
        jpegFrame().subarray(0, -2),
        jpegSegment(0xfe, name),
        Buffer.from('ffd9', 'hex'),
      ]),
    ],
    ...patient(),
  ),
  'a comment that is cut into fragments': compressed(
    syntax.jpegBaseline,
    [
      jpegFrame(jpegSegment(0xfe, `x${name}`)).subarray(0, 12),
      jpegFrame(jpegSegment(0xfe, `x${name}`)).subarray(12),
    ],
    ...patient(),
  ),
  'a comment of the last frame': compressed(
    syntax.jpegBaseline,
    [jpegFrame(), jpegFrame(), jpegFrame(jpegSegment(0xfe, name))],
    ...patient(frames(3)),
  ),
  'a comment of a JPEG-LS frame': compressed(
    jpegLs,
    [jpegFrame(jpegSegment(0xfe, name))],
    ...patient(),
  ),
  'a comment of a JPEG 2000 codestream': ofJpeg2000(jpeg2000Frame([`of ${name}`])),
  'a comment of a tile': ofJpeg2000(jpeg2000Frame(['Kakadu'], [name])),
  'a box of a JP2 file': ofJpeg2000(
    enclosed(box('xml ', `<patient>${name}</patient>`), box('jp2c', jpeg2000Frame([]))),
  ),
  'a comment inside of a JP2 file': ofJpeg2000(enclosed(box('jp2c', jpeg2000Frame([name])))),
  'a box behind the codestream': ofJpeg2000(
    enclosed(box('jp2c', jpeg2000Frame([])), box('uuid', `0123456789abcdef${name}`)),
  ),
}

for (const [where, object] of Object.entries(spoken)) {
  t.test(`a value known of the patient in ${where} holds the study`, async (t) => {
    const { record, files } = await deidentify([object])
    t.match(record, {
      type: 'held',
      reasons: [{ code: 'identity-found', where: '(7FE0,0010) PixelData' }],
    })
    t.same(files, [])
  })
}

t.test('comments that say nothing of the patient pass', async (t) => {
  const { record } = await deidentify([
    compressed(
      syntax.jpegBaseline,
      [jpegFrame(jpegSegment(0xe0, 'JFIF\0\x01\x01'), jpegSegment(0xfe, 'LEAD Technologies'))],
      ...patient(),
    ),
  ])
  t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
})

t.test('what holds a study for its pixels is let pass by a person who knows', async (t) => {
  for (const [object, code, needsAnyway] of [
    [native(Buffer.concat([pixels(), Buffer.from(name)])), 'bytes-behind-pixels', true],
    [compressed(syntax.rle, [rleFrame(1), rleFrame(1)]), 'bytes-behind-pixels', true],
    [ctImage({ elements: [frames(0)] }), 'damaged-pixel-data', true],
    [ctImage({ without: [0x7fe00010] }), 'incomplete-object', false],
  ] as const) {
    const site = newSite()
    const record = await deidentifierAt(site).record(archived(site, [object]))
    const { requestId } = record as { requestId?: string }
    const out: unknown[] = []
    const release = (anyway: boolean) =>
      deidentifierAt(site).release(requestId ?? '', anyway, (released) => {
        out.push(released)
        return Promise.resolve()
      })
    if (needsAnyway) await t.rejects(release(false), { code: 'E_NOT_RELEASABLE' })
    await release(needsAnyway)
    t.match(out, [{ type: 'deidentified', waived: [{ code }] }])
  }
})

t.test('however compressed frames are damaged, the study ends, held or made', async (t) => {
  const wholes = [
    [syntax.jpegBaseline, jpegFrame(jpegSegment(0xfe, 'x'), jpegSegment(0xe1, 'Exif'))],
    [jpeg2000, jpeg2000Frame(['Kakadu'], ['tile'])],
    [jpeg2000, enclosed(box('xml ', '<a/>'), box('jp2c', jpeg2000Frame(['Kakadu'])))],
    [syntax.rle, rleFrame(1)],
  ] as const
  let state = 4711
  const random = (below: number) => (state = (state * 1103515245 + 12345) & 0x7fffffff) % below
  const kinds = new Set<string>()
  for (let round = 0; round < 120; round++) {
    const [transferSyntax, whole] = wholes[round % wholes.length] ?? wholes[0]
    const frame = Buffer.from(whole)
    for (let flips = 0; flips < 2; flips++) frame[random(frame.length)] = random(256)
    const cut = frame.subarray(0, 1 + random(frame.length * 2))
    const middle = random(cut.length)
    const fragments = [cut.subarray(0, middle), cut.subarray(middle)]
    const { record } = await deidentify([compressed(transferSyntax, fragments)])
    kinds.add(record.type)
  }
  t.same([...kinds].sort(), ['deidentified', 'held'])
})
