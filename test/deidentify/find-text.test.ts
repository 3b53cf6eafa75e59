import { readFileSync } from 'node:fs'
import t from 'tap'
import { textBoxes } from '../../src/lib/deidentify/pixels/text-boxes.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { el, encapsulated } from '../fixtures/dicom-writer.ts'
import { missing } from '../fixtures/peers.ts'
import { deidentify, newSite, reasonsOf } from './deidentified.ts'
import { lettering } from './lettering.ts'
import { type Picture, converted, picture, pixelsOf, withPixels } from './masked.ts'

const [rows, columns] = [120, 320]
const word = lettering('MARTENS', 30, 40)

/** White letters on a dark picture, in the last of the frames. */
function lettered(about: Picture = {}, lit = word): Picture {
  const { samples = 1, frames = 1, bits = 8 } = about
  const bytes = bits === 8 ? 1 : 2
  const frame = rows * columns * samples * bytes
  const pixels = Buffer.alloc(frame * frames, 20)
  for (const [x, y] of lit) {
    const at = (frames - 1) * frame + (y * columns + x) * samples * bytes
    pixels.fill(bits === 8 ? 230 : 8, at, at + samples * bytes)
  }
  return { rows, columns, pixels, ...about }
}
if (lettered({ bits: 16 }).pixels?.length !== rows * columns * 2) throw new Error('no words')

const search = withPixels({ ocr: 'mask' })
const tesseract = { skip: missing('tesseract') }

for (const [name, about, ...encode] of [
  ['8 bits', {}],
  ['RGB', { samples: 3 }],
  ['the last of three frames', { frames: 3 }],
  ['RLE', {}, 'dcmcrle'],
  ['baseline JPEG', { samples: 3 }, 'dcmcjpeg', '+eb'],
  ['lossless JPEG', {}, 'dcmcjpeg'],
] as const) {
  t.test(`${name}: the word is found and masked`, tesseract, async (t) => {
    const site = newSite()
    const [command, ...options] = encode as readonly string[]
    let object = picture(lettered(about))
    if (command !== undefined) object = await converted(site.root, object, command, ...options)
    const { record, files } = await deidentify([object], search)
    t.match(record, { type: 'deidentified', pixels: { masked: 1, searched: 1 } })
    let after: Buffer = readFileSync(files[0] ?? '')
    const decoder = command === 'dcmcrle' ? 'dcmdrle' : 'dcmdjpeg'
    if (command !== undefined) after = await converted(site.root, after, decoder)
    const { samples = 1, frames = 1 } = about as Picture
    const pixels = pixelsOf(after)
    const start = (frames - 1) * rows * columns * samples
    const isLit = word.some(([x, y]) => (pixels[start + (y * columns + x) * samples] ?? 0) > 60)
    t.notOk(isLit, 'no dot of the word is left')
    t.ok((pixels[start] ?? 0) > 10, 'the rest of the picture is there')
  })
}

t.test(
  'where there is no text the object passes, and is not called cleaned',
  tesseract,
  async (t) => {
    const { record, files } = await deidentify([picture(lettered({}, []))], search)
    t.match(record, { type: 'deidentified', pixels: { masked: 0, searched: 1 } })
    using file = DicomFile.open(files[0] ?? '')
    t.equal(file.string(file.dataSet, 0x00280301), undefined)
  },
)

t.test('words of scanners, single letters and what is not sure are no text', async (t) => {
  const table = [
    'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext',
    ...[
      ['4', 10, 10, 99, 20, -1, ''],
      ['5', 10, 10, 30, 20, 95, 'Patient'],
      ['5', 50, 10, 30, 20, 95, 'DATE:'],
      ['5', 50, 10, 30, 20, 95, 'R'],
      ['5', 0, 1, 30, 20, 30, 'Martens'],
      ['5', 91, 11, 30, 21, 90, 'Jonas'],
    ].map(([level, ...rest]) => [level, 1, 1, 1, 1, 1, ...rest].join('\t')),
    '',
  ].join('\n')
  t.same(textBoxes(table, 1, 40), [[89, 9, 34, 25]])
  t.same(textBoxes(table, 2, 0), [
    [0, 0, 17, 13],
    [43, 3, 20, 15],
  ])
  for (const odd of ['', 'words', table.replace('\t91\t', '\tx\t')]) {
    t.throws(() => textBoxes(odd, 1, 0), { code: 'E_OCR' })
  }
})

t.test('text can be a reason to look, and the record does not say which', tesseract, async (t) => {
  const { record } = await deidentify([picture(lettered())], withPixels({ ocr: 'review' }))
  t.same(reasonsOf(record), ['text-in-pixels'])
  t.notMatch(JSON.stringify(record), /MARTENS/i)
})

t.test('an object that says it has text, where none is found, is held', tesseract, async (t) => {
  const about = { ...lettered({}, []), elements: [el(0x00280301, 'CS', 'YES')] }
  const { record } = await deidentify([picture(about)], search)
  t.same(reasonsOf(record), ['burned-in-annotation'])
})

t.test('a program that is not there, fails, or answers nonsense holds the study', async (t) => {
  for (const command of [
    ['/nowhere/tesseract'],
    ['false'],
    ['echo', 'nonsense'],
    ['sh', '-c', 'yes'],
  ]) {
    const { record } = await deidentify(
      [picture(lettered())],
      withPixels({ ocr: { then: 'mask', command } }),
    )
    t.equal(record.type, 'held', command.join(' '))
    t.same(reasonsOf(record).sort(), ['screen-capture', 'text-search-failed'], command.join(' '))
  }
})

t.test('what cannot be decoded is held', async (t) => {
  const fragments = encapsulated([Buffer.from('ff4f', 'hex')])
  const about = { transferSyntax: '1.2.840.10008.1.2.4.90', elements: [fragments] }
  const { record } = await deidentify([picture(about)], search)
  t.equal(record.type, 'held')
  t.ok(reasonsOf(record).includes('screen-capture'))
})
