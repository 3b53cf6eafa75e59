// transcode: lossless. What a peer does not take compressed it gets decompressed, pixel by pixel as other programs decompress it.
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DicomFile } from '../../../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el, syntax } from '../../../fixtures/dicom-writer.ts'
import { freePort, missing, pydicomSamples, start } from '../../../fixtures/peers.ts'
import { temporary } from '../../studies.ts'
import { StoragePeer } from '../../../dimse/storage-peer.ts'
import { Told } from '../waybill.ts'
import { carrierTo, listening, objectIn } from './peers.ts'

/** By DCT, or wavelets that are not reversible: each decoder rounds in its own way. */
const rounded = new Set(['50', '51', '91'].map((end) => `1.2.840.10008.1.2.4.${end}`))
const lossy = new Set(['50', '51', '81'].map((end) => `1.2.840.10008.1.2.4.${end}`))
const lossless = { transcode: 'lossless' }
const skip = missing('storescp', 'dcmcjpeg', 'dcmcjpls', 'dcmcrle', 'dcmdjpeg', 'gdcmconv')
const tags = {
  samples: 0x00280002,
  bitsStored: 0x00280101,
  photometric: 0x00280004,
  planar: 0x00280006,
  lossy: 0x00282110,
  imageType: 0x00080008,
  pixelData: 0x7fe00010,
}

/** By transfer syntax: a program that decompresses it. @returns its arguments */
const decompress: Readonly<Record<string, (from: string, to: string) => readonly string[]>> = {
  '1.2.840.10008.1.2.5': (from, to) => ['dcmdrle', from, to],
  '1.2.840.10008.1.2.4.50': (from, to) => ['dcmdjpeg', '+cn', '+px', from, to],
  '1.2.840.10008.1.2.4.51': (from, to) => ['dcmdjpeg', '+cn', '+px', from, to],
  '1.2.840.10008.1.2.4.57': (from, to) => ['dcmdjpeg', '+cn', '+px', from, to],
  '1.2.840.10008.1.2.4.70': (from, to) => ['dcmdjpeg', '+cn', '+px', from, to],
  '1.2.840.10008.1.2.4.80': (from, to) => ['dcmdjpls', '+pa', from, to],
  '1.2.840.10008.1.2.4.81': (from, to) => ['dcmdjpls', '+pa', from, to],
  '1.2.840.10008.1.2.4.90': (from, to) => ['gdcmconv', '--raw', from, to],
  '1.2.840.10008.1.2.4.91': (from, to) => ['gdcmconv', '--raw', from, to],
}

interface Looked {
  readonly syntax: string
  readonly sop: string
  readonly pixels: Buffer
  readonly planar: string | undefined
  readonly photometric: string | undefined
  readonly lossy: string | undefined
  readonly samples: number
  readonly bitsStored: number
  readonly imageType: string
}

function lookAt(path: string): Looked {
  using file = DicomFile.open(path)
  const { dataSet } = file
  const element = dataSet.elements.find(({ tag }) => tag === tags.pixelData)
  const text = (tag: number) => file.strings(dataSet, tag)[0]
  return {
    syntax: file.transferSyntaxUID,
    sop: file.string(dataSet, 0x00080018) ?? '',
    pixels: element === undefined ? Buffer.of() : file.bytes(element),
    planar: text(tags.planar),
    photometric: text(tags.photometric),
    lossy: text(tags.lossy),
    samples: Number(text(tags.samples)),
    bitsStored: Number(text(tags.bitsStored)),
    imageType: file.strings(dataSet, tags.imageType).join('\\'),
  }
}

function tool(...[command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args).status === 0
}

const us = (tag: number, value: number) => el(tag, 'US', value)
const pixels = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * at) >> 3))

/** What is compressed: 61 rows of 47 pixels, so that lengths are odd where they can be. */
const images: Readonly<Record<string, readonly TestElement[]>> = {
  gray: [],
  signed: [us(0x00280101, 16), us(0x00280102, 15), us(0x00280103, 1)],
  bytes: [
    ...[us(0x00280100, 8), us(0x00280101, 8), us(0x00280102, 7)],
    el(0x7fe00010, 'OB', pixels(61 * 47 + 1)),
  ],
  'colours, 3 frames': [
    ...[us(0x00280002, 3), us(0x00280006, 0), us(0x00280100, 8), us(0x00280101, 8)],
    ...[us(0x00280102, 7), el(0x00280004, 'CS', 'RGB'), el(0x00280008, 'IS', '3')],
    el(0x7fe00010, 'OB', pixels(61 * 47 * 9 + 1)),
  ],
}
const compressors = [
  ['dcmcrle'],
  ['dcmcjpeg', '+el'],
  ['dcmcjpeg', '+e1'],
  ['dcmcjpls'],
  ['dcmcjpls', '+en', '+md', '2'],
  ['gdcmconv', '--j2k'],
  ['dcmcjpeg', '+eb'],
  ['dcmcjpeg', '+ee'],
]

/** DCMTK loses nothing of signed samples; baseline has 8 bits; and JPEG with a DCT in colours we do not decode. */
function canDo(name: string, command: readonly string[]): boolean {
  const isDct = command.includes('+eb') || command.includes('+ee')
  if (isDct) return name === (command.includes('+eb') ? 'bytes' : 'gray')
  return name !== 'signed' || !command.includes('+en')
}

/** Each image in each way. */
function compressed(): string[] {
  const directory = temporary()
  return Object.entries(images).flatMap(([name, elements], of) =>
    compressors.flatMap((command, at) => {
      if (!canDo(name, command)) return []
      const sopUID = `2.25.${String(process.pid)}7${String(of)}${String(at)}`
      const [plain, path] = [join(directory, `${sopUID}.plain`), join(directory, sopUID)]
      writeFileSync(plain, ctImage({ rows: 61, columns: 47, sopUID, elements }))
      if (!tool(...command, plain, path)) throw new Error(`${command.join(' ')} of ${name}`)
      return [path]
    }),
  )
}

async function storescp(t: Test, ...args: readonly string[]) {
  const port = await freePort()
  const into = temporary()
  // It writes what comes bit by bit, and not what it makes of it.
  const scp = start('storescp', [...args, '+B', '+uf', '-od', into, String(port)])
  t.teardown(() => scp.kill())
  await listening(port)
  return { url: `dicom://ANY@127.0.0.1:${String(port)}`, into }
}

/** The largest difference of two samples; bits beyond these programs fill as they like. */
function differenceOf(one: Looked, other: Looked): number {
  if (one.pixels.length !== other.pixels.length) return Infinity
  const bytes = one.bitsStored > 8 ? 2 : 1
  const mask = 2 ** one.bitsStored - 1
  let largest = 0
  for (let at = 0; at + bytes <= one.pixels.length; at += bytes) {
    const a = one.pixels.readUIntLE(at, bytes) & mask
    const b = other.pixels.readUIntLE(at, bytes) & mask
    largest = Math.max(largest, Math.abs(a - b))
  }
  return largest
}

function samples(): string[] {
  return pydicomSamples().filter((path) => {
    try {
      return Object.hasOwn(decompress, objectIn(path).transferSyntaxUID)
    } catch {
      return false
    }
  })
}

for (const [name, args, to] of [
  ['what is not compressed', [], syntax.explicit],
  ['implicit VR', ['+xi'], syntax.implicit],
] as const) {
  t.test(
    `storescp that takes ${name} only gets the same pixels as they are`,
    { skip },
    async (t) => {
      const { url, into } = await storescp(t, ...args)
      // For the way pixels are decoded the syntax behind makes no difference.
      const paths =
        to === syntax.explicit ? [...compressed(), ...samples()] : compressed().slice(0, 6)
      const byUid = new Map(paths.map((path) => [objectIn(path).SOPInstanceUID as string, path]))
      const told = new Told()
      const carrier = carrierTo(url, lossless)
      await carrier.carry([...byUid.values()].map(objectIn), told)
      await carrier.rest()
      const there = readdirSync(into).map((file) => lookAt(join(into, file)))
      t.equal(there.length, told.arrivals.length)
      // Samples that are damaged, and those of JPEG in colours.
      for (const { code } of told.failures.values()) t.equal(code, 'E_NOT_DECODED')
      t.equal(there.length + told.failures.size, byUid.size)
      t.ok(there.length >= (to === syntax.explicit ? 26 : 5))
      t.ok(told.conversions.every((conversion) => conversion.to === to))
      for (const sent of there) {
        const path = byUid.get(sent.sop) ?? ''
        const before = lookAt(path)
        const out = join(temporary(), 'out')
        const command = decompress[before.syntax]?.(path, out) ?? []
        t.ok(tool(...command), command.join(' '))
        const reference = lookAt(out)
        const what = `${before.syntax} ${before.photometric ?? ''} ${path}`
        t.ok(differenceOf(sent, reference) <= (rounded.has(before.syntax) ? 1 : 0), what)
        t.match(sent, { syntax: to, imageType: before.imageType }, what)
        t.equal(sent.photometric, reference.photometric, what)
        if (before.samples === 3) t.equal(sent.planar, '0')
        if (lossy.has(before.syntax)) t.equal(sent.lossy, '01')
        else t.equal(sent.lossy, before.lossy)
      }
    },
  )
}

t.test(
  'what is not allowed or not exact is refused, and nothing of it sent',
  { skip },
  async (t) => {
    const scp = await StoragePeer.listen({ accepts: (_, [one]) => one === syntax.explicit })
    t.teardown(() => scp.close())
    const directory = temporary()
    const make = (name: string, ...command: readonly string[]): string => {
      const [plain, path] = [join(directory, `${name}.plain`), join(directory, name)]
      const elements = name === 'colours' ? images['colours, 3 frames'] : images['gray']
      const sopUID = `2.25.${String(process.pid)}9${String(name.length)}`
      writeFileSync(plain, ctImage({ rows: 61, columns: 47, sopUID, elements: elements ?? [] }))
      if (!tool(...command, plain, path)) throw new Error(command.join(' '))
      return path
    }
    const colours = make('colours', 'dcmcjpeg', '+eb')
    const exact = make('exact', 'dcmcjpls')
    const damaged = join(directory, 'damaged')
    const bytes = readFileSync(make('damaged', 'dcmcjpls'))
    // The codestream ends in the middle, and what follows is nothing.
    const middle = bytes.lastIndexOf(Buffer.from('ffda', 'hex')) + 200
    writeFileSync(damaged, bytes.fill(0, middle, bytes.length - 8))
    const huge = join(directory, 'huge')
    const small = readFileSync(make('huge', 'dcmcrle'))
    for (const tag of ['28001000', '28001100']) {
      small.writeUInt16LE(60_000, small.indexOf(Buffer.from(`${tag}55530200`, 'hex')) + 8)
    }
    writeFileSync(huge, small)
    for (const [transcode, path, code] of [
      ['lossless', huge, 'E_NOT_DECODED'],
      ['none', exact, 'E_NOT_ACCEPTED'],
      ['lossless', colours, 'E_NOT_DECODED'],
      ['lossless', damaged, 'E_NOT_DECODED'],
    ] as const) {
      const told = new Told()
      const carrier = carrierTo(scp.url, { transcode })
      await carrier.carry([objectIn(path)], told)
      t.match([...told.failures.values()], [{ code, retryable: false }])
      await carrier.rest()
    }
    t.equal(scp.received.length, 0)
    const carrier = carrierTo(scp.url, lossless)
    const told = new Told()
    await carrier.carry([damaged, exact].map(objectIn), told)
    t.equal(told.arrivals.length, 1, 'the next goes over the same association')
    t.equal(scp.aborts, 0)
    await carrier.rest()
  },
)
