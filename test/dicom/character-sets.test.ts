import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  type DataSet,
  DicomFile,
  decodeText,
  definedTermsOf,
  encodeText,
} from '../../src/lib/dicom/index.ts'
import { dicomFile, el } from '../fixtures/dicom-writer.ts'
import { missingPydicom, projectRoot, pydicomSamples } from '../fixtures/peers.ts'

/** Terms of (0008,0005), text, and its bytes in Latin-1: examples of PS3.5 annexes H, I, J and K. */
const standardExamples: readonly [terms: string, text: string, bytes: string][] = [
  [
    '\\ISO 2022 IR 87',
    'Yamada^Tarou=山田^太郎=やまだ^たろう',
    'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B',
  ],
  [
    'ISO 2022 IR 13\\ISO 2022 IR 87',
    'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    '\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J',
  ],
  [
    '\\ISO 2022 IR 149',
    'Hong^Gildong=洪^吉洞=홍^길동',
    'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf',
  ],
  ['ISO_IR 192', 'Wang^XiaoDong=王^小東', 'Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1'],
  ['GB18030', 'Wang^XiaoDong=王^小东', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab'],
  [
    '\\ISO 2022 IR 58',
    'Zhang^XiaoDong=张^小东',
    'Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab',
  ],
]

const termsOf = (text: string) => text.split('\\')

t.test('the examples of the standard are read and written to the byte', async (t) => {
  for (const [terms, text, latin1] of standardExamples) {
    const bytes = Buffer.from(latin1, 'latin1')
    t.equal(decodeText(bytes, 'PN', termsOf(terms)), text, terms)
    t.equal(encodeText(text, 'PN', termsOf(terms))?.toString('latin1'), latin1, terms)
  }
})

/** A text for each defined term of PS3.3 C.12.1.1.2, alone and with code extensions. */
const repertoires: readonly [terms: string, text: string][] = [
  ['ISO_IR 100', 'Äneas^Rüdiger'],
  ['ISO_IR 101', 'Łukasz^Dvořák'],
  ['ISO_IR 109', 'Ħamrun^Ġużè'],
  ['ISO_IR 110', 'Āriņš^Ģirts'],
  ['ISO_IR 144', 'Люкceмбypг'],
  ['ISO_IR 127', 'قباني^لنزار'],
  ['ISO_IR 126', 'Διονυσιος'],
  ['ISO_IR 138', 'שרון^דבורה'],
  ['ISO_IR 148', 'Şahin^Ağa'],
  ['ISO_IR 203', 'Œuvre^€'],
  ['ISO_IR 13', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
  ['ISO_IR 166', 'นามสกุล^ชื่อ'],
  ['ISO_IR 192', 'Ünï😀^山田'],
  ['GB18030', 'Wang=王小东€𠀀'],
  ['GBK', 'Wang=王小东'],
  ['ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 144', 'Äneas^Люкceмбypг=Rü'],
  ['ISO 2022 IR 100\\ISO 2022 IR 126', 'Buc^Jérôme=Διονυσιος'],
  ['\\ISO 2022 IR 87\\ISO 2022 IR 159', 'Okada=岡田^丂丄=おかだ'],
  ['\\ISO 2022 IR 149', 'Kim=김희중'],
  ['\\ISO 2022 IR 58', 'Wang=王小东'],
]

t.test('every defined character set is written and read again', async (t) => {
  for (const [terms, text] of repertoires) {
    for (const vr of ['PN', 'LO', 'LT', 'UC']) {
      const bytes = encodeText(text, vr, termsOf(terms))
      t.ok(bytes, `${terms} can write ${text}`)
      t.equal(bytes && decodeText(bytes, vr, termsOf(terms)), text, `${terms} ${vr}`)
    }
  }
})

/** Escape (PS3.3 tables C.12-3 and C.12-4) and highest bit of the sets of two bytes. */
const pairs: Readonly<Record<string, readonly [escape: string, high: number]>> = {
  'ISO 2022 IR 87': ['\x1b$B', 0],
  'ISO 2022 IR 159': ['\x1b$(D', 0],
  'ISO 2022 IR 149': ['\x1b$)C', 0x80],
  'ISO 2022 IR 58': ['\x1b$)A', 0x80],
}

/** The codes of a set in the order of `code-tables-with-python.py`. */
function* codesOf(term: string): Iterable<Buffer> {
  const [escape, high] = pairs[term] ?? []
  if (escape !== undefined && high !== undefined) {
    for (let row = 0x21; row < 0x7f; row++)
      for (let cell = 0x21; cell < 0x7f; cell++)
        yield Buffer.from(escape + String.fromCharCode(row | high, cell | high), 'latin1')
  } else if (term.startsWith('GB')) {
    for (let lead = 0x81; lead < 0xff; lead++)
      for (let trail = 0x40; trail < 0xff; trail++) if (trail !== 0x7f) yield Buffer.of(lead, trail)
  } else for (let code = 0xa0; code < 0x100; code++) yield Buffer.of(code)
}

/** Python's character and ours, where they are two: Node has the tables of the Web. */
const otherCharacters: Readonly<Record<string, string>> = {
  // Both names of one JIS character are in use: wave dash, double line, minus, cent, pound, not, tilde.
  'ISO 2022 IR 87': '〜～‖∥−－¢￠£￡¬￢',
  'ISO 2022 IR 159': '~～',
  // Added to KS X 1001 in 1998, and unknown to Node.
  'ISO 2022 IR 149': '€\ufffd®\ufffd',
  'ISO 2022 IR 58': '・·―—',
  // For private use in Python, characters since GB 18030-2005 and -2022.
  GB18030:
    '\ue5e5\u3000\ue78d︐\ue78e︒\ue78f︑\ue790︓\ue791︔\ue792︕\ue793︖\ue794︗\ue795︘\ue796︙\ue7c7ḿ' +
    '\ue81e龴\ue826龵\ue82b龶\ue82c龷\ue832龸\ue843龹\ue854龺\ue864龻',
}

t.test(
  'every code of every set is the character that Python has for it',
  { skip: missingPydicom() },
  async (t) => {
    const script = `${projectRoot}test/fixtures/code-tables-with-python.py`
    const { stdout } = spawnSync('/usr/bin/python3', [script], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    })
    const tables = Object.entries(JSON.parse(stdout) as Record<string, string>)
    t.equal(tables.length, 18)
    for (const [term, table] of tables) {
      const terms = pairs[term] === undefined ? [term] : ['', term]
      const codes = [...codesOf(term)]
      const theirs = [...table]
      t.equal(codes.length, theirs.length, term)
      const others = codes.flatMap((code, at) => {
        const [character, ours] = [theirs[at] ?? '', decodeText(code, 'LT', terms)]
        return character === '\ufffd' || character === ours ? [] : [character, ours]
      })
      t.equal(others.join(''), otherCharacters[term] ?? '', term)
    }
  },
)

t.test(
  'a byte of a two-byte character that looks like a backslash separates no values',
  async (t) => {
    // The second byte of 本 in JIS X 0208 is 0x5c.
    const terms = ['', 'ISO 2022 IR 87']
    const bytes = encodeText('Oka=岡本\\Mori=森', 'PN', terms)
    const padded = Buffer.concat([
      bytes ?? Buffer.alloc(0),
      Buffer.alloc((bytes?.length ?? 0) % 2, ' '),
    ])
    const elements = [el(0x00080005, 'CS', terms), el(0x00100010, 'PN', padded)]
    const file = DicomFile.fromBuffer(dicomFile({ elements }))
    t.same(file.strings(file.dataSet, 0x00100010), ['Oka=岡本', 'Mori=森'])
  },
)

t.test('whatever the sets can write, they read as it was', async () => {
  const characters = fc.constantFrom(
    ...repertoires.flatMap(([, text]) => [...text]),
    ...' \\\n\r\t=^aZ9',
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...repertoires.map(([terms]) => termsOf(terms))),
      fc.constantFrom('PN', 'LO', 'LT', 'SH', 'ST', 'UC', 'UT'),
      fc.array(characters, { maxLength: 20 }).map((all) => all.join('')),
      (terms, vr, text) => {
        const bytes = encodeText(text, vr, terms)
        return bytes === undefined || decodeText(bytes, vr, terms) === text
      },
    ),
    { numRuns: 5000 },
  )
})

t.test('random bytes are text of some kind in every set', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...repertoires.map(([terms]) => termsOf(terms)), [], ['nonsense']),
      fc.uint8Array({ maxLength: 40 }),
      (terms, bytes) => typeof decodeText(Buffer.from(bytes), 'PN', terms) === 'string',
    ),
    { numRuns: 3000 },
  )
})

t.test('what the declared sets cannot write is refused, not replaced', async (t) => {
  t.equal(encodeText('山田', 'PN', ['ISO_IR 100']), undefined)
  t.equal(encodeText('山田', 'PN', []), undefined)
  t.equal(encodeText('ü', 'CS', ['ISO_IR 192']), undefined)
  t.equal(encodeText('\x1b$B', 'PN', ['', 'ISO 2022 IR 87']), undefined)
  t.equal(encodeText('\ud800', 'LO', ['ISO_IR 192']), undefined)
  t.equal(encodeText('plain', 'CS', [])?.toString(), 'plain')
})

t.test('misspelt terms are understood; unknown and missing ones read as ISO 8859-1', async (t) => {
  const bytes = Buffer.from('Rüdiger', 'latin1')
  for (const term of [
    'ISO-IR 100',
    'iso_ir_100',
    'ISO IR 100',
    'ISO 2022 IR 100',
    ' ISO_IR 100 ',
  ]) {
    t.equal(decodeText(bytes, 'PN', [term]), 'Rüdiger', term)
  }
  t.equal(decodeText(Buffer.from('Rüdiger'), 'PN', ['UTF-8']), 'Rüdiger')
  const chinese = Buffer.from('cdf5', 'hex')
  for (const terms of [
    'GB 18030',
    'ISO 2022 GBK',
    '\\ISO 2022 GBK',
    'ISO 2022 IR 6\\GBK',
    '\\ISO 2022 58',
  ]) {
    t.equal(decodeText(chinese, 'PN', termsOf(terms)), '王', terms)
  }
  t.equal(decodeText(bytes, 'PN', ['KLINGON']), 'Rüdiger')
  t.equal(decodeText(bytes, 'PN', []), 'Rüdiger')
  t.equal(decodeText(Buffer.from([0x52, 0xff]), 'LO', ['ISO_IR 192']), 'R\ufffd')
})

t.test('items inherit the character set of what is around them, or have their own', async (t) => {
  const name = (text: string, encoding: 'utf8' | 'latin1') =>
    el(0x00100010, 'PN', Buffer.from(text, encoding))
  const item = [el(0x00080005, 'CS', 'ISO_IR 100'), name('Rüdiger ', 'latin1')]
  const inherited = [name('Jürg ', 'utf8')]
  const bytes = dicomFile({
    elements: [
      el(0x00080005, 'CS', 'ISO_IR 192'),
      { tag: 0x00081120, vr: 'SQ', items: [item, inherited] },
    ],
  })
  const file = DicomFile.fromBuffer(bytes)
  const items = file.dataSet.get(0x00081120)?.items ?? []
  t.same(
    items.map((each) => file.string(each, 0x00100010)),
    ['Rüdiger', 'Jürg'],
  )
})

interface Texts {
  readonly path: string
  readonly texts: readonly (readonly [path: string, values: readonly string[]])[]
}

function pydicomTexts(paths: readonly string[]): Texts[] {
  const script = `${projectRoot}test/fixtures/texts-with-pydicom.py`
  const done = spawnSync('/usr/bin/python3', [script, ...paths], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  return done.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Texts)
}

/** The path is tag, number of the item, tag, … */
function ourTexts(file: DicomFile, path: string): string[] {
  const steps = path.split('/')
  let dataSet: DataSet | undefined = file.dataSet
  for (let at = 0; at + 1 < steps.length; at += 2) {
    dataSet = dataSet?.get(Number.parseInt(steps[at] ?? '', 16))?.items?.[Number(steps[at + 1])]
  }
  if (dataSet === undefined) return []
  return file.strings(dataSet, Number.parseInt(steps.at(-1) ?? '', 16)).map(withoutEmptyGroups)
}
/** pydicom drops empty groups at the end of a name. */
const withoutEmptyGroups = (text: string) => text.replace(/=+$/, '')
const isPrivatePath = (path: string) =>
  (Number.parseInt(path.split('/').at(-1) ?? '', 16) >>> 16) % 2 === 1

const samples = pydicomSamples()
const skip = samples.length === 0 ? 'pydicom not installed' : false

t.test("the texts of pydicom's samples read as pydicom says them", { skip }, async (t) => {
  const charsetFolder = join(dirname(samples[0] ?? ''), '../charset_files')
  const charsetFiles = readdirSync(charsetFolder)
    .filter((name) => name.endsWith('.dcm'))
    .map((name) => join(charsetFolder, name))
  t.ok(charsetFiles.length >= 15)
  const whole = samples.filter((path) => !/truncated|no_meta\.dcm/.test(path))
  const all = pydicomTexts([...charsetFiles, ...whole])
  t.equal(all.length, charsetFiles.length + whole.length)
  for (const { path, texts } of all) {
    using file = DicomFile.open(path)
    const standard = texts.filter(([at]) => !isPrivatePath(at))
    t.same(
      standard.map(([at]) => [at, ourTexts(file, at)]),
      standard.map(([at, values]) => [at, values.map(withoutEmptyGroups)]),
      basename(path),
    )
  }
})

t.test('pydicom reads the texts we write in each character set', { skip }, async (t) => {
  const folder = t.testdir()
  // pydicom leaves the escape to IR 58 in the text, and knows no IR 203.
  const unknown = ['\\ISO 2022 IR 58', 'ISO_IR 203']
  const known = repertoires.filter(([terms]) => !unknown.includes(terms))
  const paths = known.map(([terms, text], number) => {
    const path = join(folder, `${String(number)}.dcm`)
    const bytes = encodeText(text, 'PN', termsOf(terms)) ?? Buffer.alloc(0)
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')])
    writeFileSync(
      path,
      dicomFile({ elements: [el(0x00080005, 'CS', terms), el(0x00100010, 'PN', padded)] }),
    )
    return path
  })
  const read = pydicomTexts(paths).map(({ texts }) => texts[0]?.[1][0])
  t.same(
    read,
    known.map(([, text]) => text),
  )
})

t.test('misspelt terms are understood, and known by those of the standard', (t) => {
  for (const [written, terms] of [
    ['ISO_IR 100', 'ISO_IR 100'],
    ['ISO-IR 100', 'ISO_IR 100'],
    ['ISO_IR100', 'ISO_IR 100'],
    ['latin1', 'ISO_IR 100'],
    ['ISO-8859-1', 'ISO_IR 100'],
    ['ISO8859-5', 'ISO_IR 144'],
    ['ISO_8859-15', 'ISO_IR 203'],
    ['UTF-8', 'ISO_IR 192'],
    ['utf8', 'ISO_IR 192'],
    ['ISO 2022 GB18030', 'GB18030'],
    ['US-ASCII', ''],
    ['\\ISO2022 IR 87', '\\ISO 2022 IR 87'],
    ['ISO_IR 100\\ISO_IR 126', 'ISO 2022 IR 100\\ISO 2022 IR 126'],
    ['ISO_IR 149', 'ISO 2022 IR 149'],
    ['ISO_8859-99', undefined],
    ['KLINGON', undefined],
  ] as const) {
    const found = definedTermsOf(termsOf(written))
    t.equal(found?.join('\\'), terms, written)
    if (found === undefined) continue
    const bytes = Buffer.from('M\xfcller', 'latin1')
    t.equal(decodeText(bytes, 'LO', found), decodeText(bytes, 'LO', termsOf(written)), written)
  }
  t.end()
})
