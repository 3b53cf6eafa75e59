/** Objects nobody can clean alone: identity is where values are kept, where only eyes see it, or the file is damaged. */
import { deflateSync, gzipSync } from 'node:zlib'
import {
  type TestElement,
  dataSetBytes,
  el,
  encapsulated,
  raw,
  sq,
  syntax,
} from '../../fixtures/dicom-writer.ts'
import { found, ofPerson, person } from '../planted.ts'
import { box, jpeg2000Frame, jpegFrame, jpegSegment, rleFrame } from '../frames.ts'
import { code, ofClass, unItem, withoutPixels } from './specimen.ts'

const name = `${person.family}^${person.given}`
const even = (bytes: Buffer) =>
  bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])
const bytes = (text: string, encoding: BufferEncoding = 'latin1') =>
  even(Buffer.from(text, encoding))
const bigEndian16 = (text: string) => Buffer.from(text, 'utf16le').swap16()
const kept = (vr: string, value: Buffer | string, tag = 0x00181020) =>
  ofPerson({ elements: [el(tag, vr, value)] })

/** An ICC profile describes itself in UTF-16 (`mluc`), and in ASCII in older ones. */
function iccProfile(description: string): Buffer {
  const text = bigEndian16(description)
  const header = Buffer.alloc(128)
  header.write('acsp', 36, 'latin1')
  const table = Buffer.alloc(16)
  table.writeUInt32BE(1, 0)
  table.write('desc', 4, 'latin1')
  table.writeUInt32BE(144, 8)
  table.writeUInt32BE(28 + text.length, 12)
  const head = Buffer.alloc(28)
  head.write('mluc', 0, 'latin1')
  head.writeUInt32BE(1, 8)
  head.writeUInt32BE(12, 12)
  head.write('enUS', 16, 'latin1')
  head.writeUInt32BE(text.length, 20)
  head.writeUInt32BE(28, 24)
  return even(Buffer.concat([header, table, head, text]))
}

const compressed = (
  transferSyntax: string,
  fragments: readonly Buffer[],
  ...elements: readonly TestElement[]
) => ofPerson({ transferSyntax, elements: [encapsulated(fragments), ...elements] })

const pixels = (text: string) => Buffer.concat([Buffer.alloc(128, 1), bytes(text)])

/** The name in the four bits of each pixel that are not stored, a digit of hexadecimal each. */
function inUnusedBits(text: string): Buffer {
  const out = Buffer.alloc(128)
  const digits = Buffer.from(text).toString('hex')
  for (let at = 0; at < 64; at++) {
    out.writeUInt16LE((Number.parseInt(digits[at] ?? '0', 16) << 12) | at, at * 2)
  }
  return out
}

const own: Readonly<Record<string, Buffer>> = {
  'a name in a colour profile': kept('OB', iccProfile(`of ${person.family}`), 0x00282000),
  'a name in UTF-16 in bytes': kept('OB', bytes(`\x01${person.family}`, 'utf16le'), 0x00282000),
  'a name in words of the other byte order': kept(
    'OW',
    bytes(person.family + 'X').swap16(),
    0x00283006,
  ),
  'a name in a palette of a big endian object': ofPerson({
    transferSyntax: syntax.bigEndian,
    elements: [el(0x00281201, 'OW', bytes(person.family + 'X').swap16())],
  }),
  'a name in a number, in a UN of the other byte order': ofPerson({
    transferSyntax: syntax.bigEndian,
    elements: [el(0x00082218, 'UN', unItem([el(0x00209254, 'FD', bytes(`${person.operator} `))]))],
  }),
  'a name with a NUL before it': kept('LO', bytes(`VB1\0${person.family}`)),
  'a name in UTF-16 in a text': kept('LO', bytes(person.family, 'utf16le')),
  'a name between escape sequences': ofPerson({
    elements: [
      el(0x00080005, 'CS', ['ISO 2022 IR 6', 'ISO 2022 IR 100']),
      el(0x00181020, 'LO', bytes('for Zwart\x1b(Bkops')),
    ],
  }),
  'a name split by a backslash': kept('LO', `Zwart\\kops`),
  'a name with letters apart': kept('LO', 'Z w a r t k o p s'),
  'a name with points between its letters': kept('LO', 'Z.W.A.R.T.K.O.P.S'),
  'a name with an underline': kept('LO', `MR_${person.family}_1`),
  'a name spelled by entities': kept('LO', `&#90;wartkops`),
  'a name in base64': kept('LO', Buffer.from(`${person.family} x`).toString('base64')),
  'a name as a URL has it': kept('LO', 'Zw%61rtkops'),
  'an identifier without its dash': kept('LO', 'HOSP778812'),
  'a birth date among numbers': kept('DS', person.birthDate, 0x00180050),
  'a birth date in a kept UID': ofPerson({
    elements: [
      sq(0x00082218, [[...code('Brain'), el(0x0008010c, 'UI', `1.2.3.${person.birthDate}`)]]),
    ],
  }),
  'a birth date with its month in letters': kept('LO', '23-APR-1961'),
  'a birth date of six digits behind a name': kept('LO', '23 April 61 ZWARTKOPS'),
  'a name full width': ofPerson({
    elements: [
      el(0x00080005, 'CS', 'ISO_IR 192'),
      el(0x00181020, 'LO', bytes('Ｚｗａｒｔｋｏｐｓ', 'utf8')),
    ],
  }),
  'a name with a zero-width joiner': ofPerson({
    elements: [
      el(0x00080005, 'CS', 'ISO_IR 192'),
      el(0x00181020, 'LO', bytes('Zwart\u200dkops', 'utf8')),
    ],
  }),
  'a name in an item that has UTF-8': ofPerson({
    elements: [
      sq(0x00082218, [
        [
          el(0x00080005, 'CS', 'ISO_IR 192'),
          ...code('Brain').slice(0, 2),
          el(0x00080104, 'LO', bytes(`é ${person.family}`, 'utf8')),
        ],
      ]),
    ],
  }),
  'Cyrillic known from another character set': ofPerson({
    elements: [
      el(0x00080005, 'CS', 'ISO_IR 144'),
      el(0x00100010, 'PN', Buffer.from('c1dcd8e0ddded2e1dad0ef20', 'hex')),
      sq(0x00082218, [
        [
          el(0x00080005, 'CS', 'ISO_IR 192'),
          ...code('Brain').slice(0, 2),
          el(0x00080104, 'LO', bytes('о Смирновская', 'utf8')),
        ],
      ]),
    ],
  }),
  'a name zipped into a table': kept(
    'OB',
    even(gzipSync(`of ${person.family}, and nobody else`)),
    0x00282000,
  ),
  'a name deflated into a table': kept(
    'OB',
    even(deflateSync(`of ${person.family}, and nobody else`)),
    0x00282000,
  ),
  'a name in a segment label': ofClass('66.4', [
    el(0x00280100, 'US', 1),
    el(0x00280101, 'US', 1),
    el(0x00280102, 'US', 0),
    el(0x7fe00010, 'OB', Buffer.alloc(8)),
    sq(0x00620002, [[el(0x00620004, 'US', 1), el(0x00620005, 'LO', `tumour ${person.family}`)]]),
  ]),
  'a name in a beam': withoutPixels('481.5', [
    sq(0x300a00b0, [[el(0x300a00c2, 'LO', person.family)]]),
  ]),
  'a name in a waveform': withoutPixels('9.1.1', [
    sq(0x54000100, [
      [
        el(0x003a0005, 'US', 1),
        el(0x003a0010, 'UL', 1),
        el(0x5400100a, 'OW', bytes('\x01\0')),
        el(0x54001010, 'OW', bytes(`\x01\x02${person.family}`)),
      ],
    ]),
  ]),
  'bytes behind the pixels': ofPerson({ elements: [el(0x7fe00010, 'OW', pixels(name))] }),
  'a name in bits that are not stored': ofPerson({
    elements: [el(0x7fe00010, 'OW', inUnusedBits(name))],
  }),
  'a fragment beyond the last frame': compressed(syntax.rle, [rleFrame(1), bytes(name)]),
  'bytes behind an RLE frame': compressed(syntax.rle, [rleFrame(1, bytes(name))]),
  'bytes between the segments of an RLE frame': compressed(syntax.rle, [
    (() => {
      const header = Buffer.alloc(64)
      for (const [at, word] of [2, 64, 66 + 20].entries()) header.writeUInt32LE(word, at * 4)
      return Buffer.concat([
        header,
        Buffer.from([193, 0]),
        Buffer.from(name.padEnd(20)),
        Buffer.from([193, 1]),
      ])
    })(),
  ]),
  'a comment of a JPEG frame': compressed(syntax.jpegBaseline, [
    jpegFrame(jpegSegment(0xfe, name)),
  ]),
  'a table of a JPEG frame': compressed(syntax.jpegBaseline, [
    jpegFrame(jpegSegment(0xdb, `\x01\x02${name}`)),
  ]),
  'EXIF of a JPEG frame': compressed(syntax.jpegBaseline, [
    jpegFrame(jpegSegment(0xe1, `Exif\0\0\x01${name}`)),
  ]),
  'a box of a JP2 file': compressed('1.2.840.10008.1.2.4.90', [
    Buffer.concat([
      box('jP  ', Buffer.from('0d0a870a', 'hex')),
      box('xml ', `<p>${name}</p>`),
      box('jp2c', jpeg2000Frame([])),
    ]),
  ]),
  'user data in a video': compressed(
    '1.2.840.10008.1.2.4.102',
    [
      Buffer.concat([
        Buffer.from('000001060520', 'hex'),
        bytes(`${name} 1961`),
        Buffer.alloc(400, 7),
      ]),
    ],
    el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.77.1.1.1'),
    el(0x00280301, 'CS', 'NO'),
  ),
  'bytes behind a deflated frame': compressed('1.2.840.10008.1.2.8.1', [
    Buffer.concat([Buffer.from('0300', 'hex'), bytes(name)]),
  ]),
  'an offset table with a name in it': ofPerson({
    transferSyntax: syntax.rle,
    elements: [encapsulated([rleFrame(1)], bytes('Zwartkop'))],
  }),
  'bytes behind the data set': Buffer.concat([ofPerson(), bytes(name)]),
  'a delimiter with a length': ofPerson({
    elements: [
      raw(
        Buffer.concat([
          dataSetBytes([sq(0x00082218, [code('Brain')], { undefinedLength: true })]).subarray(
            0,
            -4,
          ),
          Buffer.from('0a000000', 'hex'),
          bytes('Zwartkops'),
        ]),
        0x00082218,
      ),
    ],
  }),
  'a secondary capture': ofClass('7', []),
  'an ultrasound clip': ofClass('3.1', []),
  'a screen shot': ofPerson({
    elements: [el(0x00080008, 'CS', ['DERIVED', 'SECONDARY', 'SCREEN SAVE'])],
  }),
  'a picture that says it is burned in': ofPerson({ elements: [el(0x00280301, 'CS', 'YES')] }),
  'the label of a slide': ofClass('77.1.6', [
    el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', 'LABEL', 'NONE']),
  ]),
  'the overview of a slide, with its label': ofClass('77.1.6', [
    el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', 'OVERVIEW', 'NONE']),
  ]),
  'a slide whose label is in the picture': ofClass('77.1.6', [
    el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE']),
    el(0x00480010, 'CS', 'YES'),
  ]),
  'an encapsulated PDF': withoutPixels('104.1', [el(0x00420011, 'OB', bytes(`%PDF-1.4 ${name}`))]),
  'an encapsulated CDA': withoutPixels('104.2', [
    el(0x00420011, 'OB', bytes(`<name>${name}</name>`)),
  ]),
  'raw data': withoutPixels('66', [el(0x00290010, 'LO', 'X')]),
  'a class nobody knows': withoutPixels('9999', []),
  'a private class': ofPerson({ elements: [el(0x00080016, 'UI', '1.3.12.2.1107.5.9.1')] }),
  'an overlay in the bits of the pixels': ofPerson({
    elements: [el(0x60000100, 'US', 16), el(0x60000102, 'US', 12)],
  }),
  'a recognizable face': ofPerson({ elements: [el(0x00280302, 'CS', 'YES')] }),
  'a syntax that the standard has not': ofPerson({
    transferSyntax: `1.2.840.10008.1.2.196.104.23`,
  }),
  'a file cut in an element': ofPerson().subarray(0, 900),
  'a sequence longer than its file': ofPerson({
    elements: [raw(Buffer.from('0800182253510000ffffff7f', 'hex'), 0x00082218)],
  }),
}

export const uncleanable: Readonly<Record<string, Buffer>> = { ...found, ...own }
