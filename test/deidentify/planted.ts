/**
 * Objects with identity planted wherever it can hide, and a search for it that knows nothing of DICOM:
 * every byte of every file, inflated where deflated, and pydicom's dump of it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'
import {
  CT_IMAGE_STORAGE,
  type CtImageOptions,
  type TestElement,
  ctImage,
  dataSetBytes,
  el,
  encapsulated,
  raw,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'

export const person = {
  family: 'Zwartkops',
  given: 'Klaasjan',
  id: 'HOSP-778812',
  accession: 'ACC-99331',
  birthDate: '19610423',
  studyDate: '20230917',
  address: 'Lindenstraat 4711, Oudkerk',
  phone: '+31 58 1234567',
  referrer: 'Brinkhorst',
  operator: 'Quispel',
  institution: 'Sint Odulphus Gasthuis',
  institutionAddress: 'Gasthuislaan 1, Oudkerk',
  studyUid: '2.25.1001',
  foreignUid: '1.2.826.0.1.77665544.1',
}
const name = `${person.family}^${person.given}`

/** `山田^太郎` and friends as their encodings have them. */
const kanji = Buffer.from('1b244233451b28425e1b2442423c4f3a1b2842', 'hex') // ISO 2022 IR 87: 某 = placeholder glyphs
const kanjiName = Buffer.concat([Buffer.from('Yamagishi^Tarou='), yamadaTarou()])
const hangul = Buffer.from('1b242943d1cebecf5e1b242943b1e6b5bf', 'hex') // ISO 2022 IR 149: 吉洞 group
const chinese = Buffer.from('王小东^国强')

function yamadaTarou(): Buffer {
  return Buffer.from('1b24423b3345441b28425e1b244242404f3a1b2842', 'hex')
}

/** What must not be anywhere, as bytes. */
export const forbidden: readonly { what: string; bytes: Buffer }[] = [
  ...[person.family, person.given, person.referrer, person.operator].flatMap((word) => [
    { what: 'name', bytes: Buffer.from(word) },
    { what: 'name in capitals', bytes: Buffer.from(word.toUpperCase()) },
    { what: 'name in small letters', bytes: Buffer.from(word.toLowerCase()) },
  ]),
  { what: 'id', bytes: Buffer.from(person.id) },
  { what: 'accession number', bytes: Buffer.from(person.accession) },
  { what: 'birth date', bytes: Buffer.from(person.birthDate) },
  { what: 'birth date with points', bytes: Buffer.from('23.04.1961') },
  { what: 'study date', bytes: Buffer.from(person.studyDate) },
  { what: 'address', bytes: Buffer.from('Lindenstraat') },
  { what: 'phone', bytes: Buffer.from('1234567') },
  { what: 'institution', bytes: Buffer.from('Odulphus') },
  { what: 'institution address', bytes: Buffer.from('Gasthuislaan') },
  { what: 'study UID', bytes: Buffer.from(`${person.studyUid}\0`) },
  { what: 'series UID', bytes: Buffer.from(`${person.studyUid}.1`) },
  { what: 'foreign UID', bytes: Buffer.from(person.foreignUid) },
  { what: 'kanji', bytes: yamadaTarou().subarray(3, 7) },
  { what: 'kanji name in letters', bytes: Buffer.from('Yamagishi') },
  { what: 'hangul', bytes: hangul.subarray(4, 8) },
  { what: 'chinese', bytes: Buffer.from('王小东') },
  { what: 'private', bytes: Buffer.from('PLANTED') },
]

const usual: TestElement[] = [
  el(0x00080020, 'DA', person.studyDate),
  el(0x00080021, 'DA', person.studyDate),
  el(0x00080022, 'DA', person.studyDate),
  el(0x00080023, 'DA', person.studyDate),
  el(0x00080050, 'SH', person.accession),
  el(0x00080080, 'LO', person.institution),
  el(0x00080081, 'ST', person.institutionAddress),
  el(0x00080090, 'PN', `${person.referrer}^Anna^^Dr`),
  el(0x00081070, 'PN', person.operator),
  el(0x00100010, 'PN', name),
  el(0x00100020, 'LO', person.id),
  el(0x00100030, 'DA', person.birthDate),
  el(0x00101040, 'LO', person.address),
  el(0x00102154, 'SH', person.phone),
  el(0x0008103e, 'LO', `Axial ${person.family}`),
]

export function ofPerson(options: CtImageOptions = {}): Buffer {
  const given = options.elements ?? []
  const taken = new Set(given.map(({ tag }) => tag))
  return ctImage({
    sopUID: `${person.foreignUid}.${String(options.instanceNumber ?? 1)}`,
    ...options,
    elements: [...usual.filter(({ tag }) => !taken.has(tag)), ...given],
  })
}

/** Where the rules must remove it: the study goes out, without any of it. */
export const removed: Readonly<Record<string, Buffer>> = {
  'a UID in a text': ofPerson({
    elements: [el(0x00181020, 'LO', `from ${person.foreignUid}.1`)],
  }),
  'the usual places': ofPerson(),
  'implicit VR': ofPerson({ transferSyntax: syntax.implicit }),
  'big endian': ofPerson({ transferSyntax: syntax.bigEndian }),
  deflated: ofPerson({ transferSyntax: syntax.deflated }),
  'undefined lengths': ofPerson({ undefinedLengths: true, elements: [nested(3)] }),
  'encapsulated pixels': ofPerson({
    transferSyntax: syntax.jpegBaseline,
    without: [0x7fe00010],
    elements: [encapsulated([Buffer.from('ffd8ffd9', 'hex')])],
  }),
  'no preamble': ofPerson({ preamble: false }),
  'a preamble with a name': withPreamble(ofPerson(), `PLANTED ${name}`),
  'file meta information': ofPerson({
    meta: [
      el(0x00020003, 'UI', person.foreignUid),
      el(0x00020013, 'SH', 'PLANTED'),
      el(0x00020016, 'AE', person.family.toUpperCase()),
      el(0x00020017, 'AE', person.family.toUpperCase()),
      el(0x00020100, 'UI', person.foreignUid),
      el(0x00020102, 'OB', Buffer.from(`PLANTED ${name}`)),
    ],
  }),
  'sequences in sequences': ofPerson({ elements: [nested(20)] }),
  'private blocks': ofPerson({
    elements: [
      el(0x00090010, 'LO', `PLANTED ${person.family}`),
      el(0x00091001, 'LO', name),
      el(0x00091002, 'UN', Buffer.from(`PLANTED ${name}0`)),
      raw(
        Buffer.concat([
          Buffer.from('29000110554e0000ffffffff', 'hex'),
          implicitItem([el(0x00100010, 'PN', name)]),
          Buffer.from('feffdde000000000', 'hex'),
        ]),
        0x00291001,
      ),
      sq(0x00081115, [[el(0x00090010, 'LO', 'PLANTED'), el(0x00091001, 'PN', name)]]),
    ],
  }),
  'a UN that is a sequence': ofPerson({
    elements: [el(0x00082218, 'UN', implicitItem(nestedIdentity()))],
  }),
  'a UN of undefined length in big endian': ofPerson({
    transferSyntax: syntax.bigEndian,
    elements: [
      raw(
        Buffer.concat([
          Buffer.from('00082218554e0000ffffffff', 'hex'),
          implicitItem([...nestedIdentity(), el(0x00280010, 'US', 258)]),
          Buffer.from('feffdde000000000', 'hex'),
        ]),
        0x00082218,
      ),
    ],
  }),
  'wrong VRs': ofPerson({
    elements: [
      el(0x00100010, 'UT', name),
      el(0x00100020, 'OB', Buffer.from(`${person.id} `)),
      el(0x00080050, 'UN', Buffer.from(`${person.accession} `)),
      el(0x00280006, 'LO', name),
      el(0x00181063, 'IS', `${person.family} 1`),
      el(0x00181400, 'US', Buffer.from(`${person.family} `)),
      sq(0x00181030, [[el(0x00100010, 'PN', name)]]),
    ],
  }),
  'unknown and retired attributes': ofPerson({
    elements: [
      el(0x00080777, 'LO', name),
      el(0x00100999, 'UN', Buffer.from(`PLANTED ${name}0`)),
      el(0x0040a067, 'PN', name),
      el(0x00080040, 'US', 0),
      el(0x00205002, 'LO', name),
      el(0x00402006, 'SH', person.accession),
    ],
  }),
  'comments and labels in all groups': ofPerson({
    elements: [
      el(0x00104000, 'LT', `born 23.04.1961, ${name}`),
      el(0x00204000, 'LT', person.family),
      el(0x00400400, 'LT', person.family),
      el(0x00321060, 'LO', person.family),
      el(0x00324000, 'LT', person.address),
      el(0x00400280, 'ST', person.phone),
      el(0x00700081, 'LO', person.family),
      el(0x00420010, 'ST', person.family),
      el(0x00100033, 'LO', person.birthDate),
    ],
  }),
  'group lengths, padding and signatures': ofPerson({
    elements: [
      el(0x00100000, 'UL', 12345),
      el(0x04000500, 'UN', Buffer.alloc(2)),
      sq(0xfffafffa, [[el(0x04000120, 'OB', Buffer.from('PLANTED0'))]]),
      sq(0x04000561, [[sq(0x04000550, [[el(0x00100010, 'PN', name)]])]]),
      el(0xfffcfffc, 'OB', Buffer.from(`PLANTED ${name}0`)),
    ],
  }),
  overlays: ofPerson({
    elements: [
      el(0x60000010, 'US', 8),
      el(0x60000011, 'US', 8),
      el(0x60000022, 'LO', name),
      el(0x60000040, 'CS', 'G'),
      el(0x60000050, 'SS', [1, 1]),
      el(0x60000100, 'US', 1),
      el(0x60000102, 'US', 0),
      el(0x60003000, 'OW', Buffer.from('PLANTED0')),
      el(0x60023000, 'OW', Buffer.from('PLANTED0')),
    ],
  }),
  'references to other objects': ofPerson({
    elements: [
      sq(0x00081140, [reference()]),
      sq(0x00082112, [[...reference(), sq(0x0040a170, [[el(0x00080100, 'SH', '121322')]])]]),
      sq(0x00081115, [[el(0x0020000e, 'UI', person.foreignUid), sq(0x0008114a, [reference()])]]),
      el(0x00200242, 'UI', person.foreignUid),
    ],
  }),
  japanese: ofPerson({
    elements: [
      el(0x00080005, 'CS', ['', 'ISO 2022 IR 87']),
      el(0x00100010, 'PN', kanjiName),
      el(0x00101001, 'PN', kanji),
    ],
  }),
  korean: ofPerson({
    elements: [el(0x00080005, 'CS', ['', 'ISO 2022 IR 149']), el(0x00100010, 'PN', hangul)],
  }),
  chinese: ofPerson({
    elements: [
      el(0x00080005, 'CS', 'ISO_IR 192'),
      el(0x00100010, 'PN', chinese),
      el(0x00080080, 'LO', Buffer.from('王小东医院')),
    ],
  }),
  'a repeated element': ofPerson({
    elements: [
      raw(dataSetBytes([el(0x00181020, 'LO', 'VB1'), el(0x00181020, 'LO', name)]), 0x00181020),
    ],
  }),
}

/** Where only the search finds it: the study is held, and nothing is in the outbox. */
export const found: Readonly<Record<string, Buffer>> = {
  'a name in a technical text': ofPerson({
    elements: [el(0x00181020, 'LO', `for ${person.given}`)],
  }),
  'a name in capitals': ofPerson({
    elements: [el(0x00081090, 'LO', person.family.toUpperCase())],
  }),
  'a name among codes': ofPerson({
    elements: [sq(0x00082218, [[el(0x00080104, 'LO', `${person.family} head`)]])],
  }),
  'a physician in a coded value': ofPerson({
    elements: [el(0x00080008, 'CS', ['ORIGINAL', person.referrer.toUpperCase()])],
  }),
  'an identifier': ofPerson({ elements: [el(0x00181210, 'SH', person.id)] }),
  'an accession number in a nested kernel': ofPerson({
    elements: [sq(0x00082218, [[el(0x00080104, 'LO', `see ${person.accession}.`)]])],
  }),
  'a birth date in another notation': ofPerson({
    elements: [el(0x00181020, 'LO', 'dob 23.4.1961')],
  }),
  'a telephone number': ofPerson({ elements: [el(0x00181020, 'LO', 'call 31-58-123 45 67')] }),
  'an address': ofPerson({ elements: [el(0x00181020, 'LO', 'lindenstraat 4711')] }),
  'an institution': ofPerson({ elements: [el(0x00081090, 'LO', person.institution)] }),
  'a name without its accents': ofPerson({
    elements: [
      el(0x00100010, 'PN', Buffer.from('M\xfcllerbeck^J\xf8rgen ', 'latin1')),
      el(0x00181020, 'LO', 'MUELLERBECK'),
    ],
  }),
  'a name in the bytes of a table': ofPerson({
    elements: [el(0x00282000, 'OB', Buffer.from(`\x01\x02${person.family}\x03`, 'latin1'))],
  }),
  'kanji in a technical text': ofPerson({
    elements: [
      el(0x00080005, 'CS', ['', 'ISO 2022 IR 87']),
      el(0x00100010, 'PN', kanjiName),
      el(0x00181020, 'LO', Buffer.concat([Buffer.from('x '), yamadaTarou()])),
    ],
  }),
  'a name known from one place only, deep inside': ofPerson({
    elements: [
      sq(0x00400275, [[el(0x00401003, 'SH', 'LOW'), el(0x00321032, 'PN', 'Wildschut^Otto')]]),
      el(0x00181020, 'LO', 'as Wildschut likes it'),
    ],
  }),
}

function reference(): TestElement[] {
  return [el(0x00081150, 'UI', CT_IMAGE_STORAGE), el(0x00081155, 'UI', person.foreignUid)]
}

function nestedIdentity(): TestElement[] {
  return [
    el(0x00080100, 'SH', 'T-A0100'),
    el(0x00080104, 'LO', 'Brain'),
    el(0x00100010, 'PN', name),
    el(0x00100020, 'LO', person.id),
    el(0x0008010d, 'UI', person.foreignUid),
    el(0x00091001, 'LO', `PLANTED ${name}`),
  ]
}

function nested(depth: number): TestElement {
  const inner = depth === 0 ? nestedIdentity() : [nested(depth - 1), ...nestedIdentity()]
  return sq(0x00082218, [inner])
}

/** An item as it stands inside of UN: implicit VR little endian whatever is around (PS3.5 6.2.2). */
function implicitItem(elements: readonly TestElement[]): Buffer {
  const content = dataSetBytes(elements, { explicitVR: false })
  const header = Buffer.from('feff00e000000000', 'hex')
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, content])
}

function withPreamble(file: Buffer, text: string): Buffer {
  file.write(text, 0, 'latin1')
  return file
}

/** What of `forbidden` is in a file, by what it is. */
export function foundIn(path: string): string[] {
  const bytes = readFileSync(path)
  const texts = [bytes, ...inflated(bytes)]
  return forbidden
    .filter(({ bytes: planted }) => texts.some((text) => text.includes(planted)))
    .map(({ what }) => what)
}

/** The data set of a deflated file, found by the UID of its syntax and the group length. */
function inflated(file: Buffer): Buffer[] {
  if (!file.subarray(0, 1000).includes('1.2.840.10008.1.2.1.99')) return []
  return [inflateRawSync(file.subarray(144 + file.readUInt32LE(140)))]
}

/** What pydicom makes of files: its dump, one after the other. It fails where it cannot read one. */
export function pydicomDump(paths: readonly string[]): string {
  const script = `
import sys, pydicom
for path in sys.stdin.read().split('\\n'):
    ds = pydicom.dcmread(path)
    ds.walk(lambda d, e: e.value)
    print(ds.file_meta)
    print(ds)
    print('PREAMBLE', ds.preamble == bytes(128))`
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], {
    input: paths.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
