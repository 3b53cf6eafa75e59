/**
 * Declarations of character sets that are empty, missing or wrong: what no receiver can read does not go out, and what
 * one of them might read is searched as that one would.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { deidentify, reasonsOf } from './deidentified.ts'

const SpecificCharacterSet = 0x00080005
const ManufacturerModelName = 0x00081090
const SoftwareVersions = 0x00181020

const families = 'Müllerbeck Żółkiewski Иванов Παπανδρέου 山田 欧阳小东 홍길동'.split(' ')
const codecs =
  'utf-8 latin-1 cp1252 iso8859-2 cp1250 iso8859-5 cp1251 koi8-r iso8859-7 shift_jis euc_jp iso2022_jp gb18030 euc_kr'.split(
    ' ',
  )

/** By Python's codecs, which share nothing with ours. */
const written = JSON.parse(
  spawnSync(
    '/usr/bin/python3',
    [
      '-c',
      `
import json, sys
def forms(word):
    for codec in sys.argv[2].split():
        try: yield codec, word.encode(codec).hex()
        except UnicodeEncodeError: pass
print(json.dumps({word: dict(forms(word)) for word in sys.argv[1].split()}))`,
      families.join(' '),
      codecs.join(' '),
    ],
    { encoding: 'utf8' },
  ).stdout,
) as Readonly<Record<string, Readonly<Record<string, string>>>>

const formsOf = (family: string) => Object.values(written[family] ?? {}).map(bytesOfHex)
const bytesOfHex = (hex: string) => Buffer.from(hex, 'hex')

/** What went out for an object of these elements; undefined where its study was held. */
async function outputOf(elements: readonly TestElement[]): Promise<Buffer | undefined> {
  const isDeclared = elements.some(({ tag }) => tag === SpecificCharacterSet)
  const without = isDeclared ? [] : [SpecificCharacterSet]
  const { record, files } = await deidentify([ctImage({ elements, without })])
  if (record.type !== 'held') {
    const [file = ''] = files
    return readFileSync(file)
  }
  const isForThat = files.length === 0 && reasonsOf(record).join() === 'identity-found'
  if (!isForThat) throw new Error(JSON.stringify(record['reasons']))
  return undefined
}

const declared = (...terms: string[]) => el(SpecificCharacterSet, 'CS', terms)

for (const [what, declaration, value] of [
  ['no declaration and Latin-1', [], Buffer.from('Sch\xe4delspule', 'latin1')],
  ['an empty declaration and UTF-8', [declared('')], Buffer.from('Schädelspule')],
  ['UTF-8 and Latin-1', [declared('ISO_IR 192')], Buffer.from('Sch\xe4delspule', 'latin1')],
  ['Latin-1 and its control characters', [declared('ISO_IR 100')], Buffer.from('a\x85b', 'latin1')],
  ['Japanese escapes that are not declared', [declared('ISO_IR 100')], kanji()],
  ['escapes where UTF-8 forbids them', [declared('ISO_IR 192')], kanji()],
  ['GB18030 and half a letter', [declared('GB18030')], Buffer.from('MR \xcd', 'latin1')],
] as const) {
  t.test(`a dummy stands for a text that cannot be read: ${what}`, async (t) => {
    const nested = sq(0x00082218, [[el(0x00080104, 'LO', value)]])
    const output = await outputOf([
      ...declaration,
      el(ManufacturerModelName, 'LO', value),
      el(0x00081010, 'SH', 'MR'),
      nested,
    ])
    t.ok(output, 'nothing known is in it')
    if (output === undefined) return
    const file = DicomFile.fromBuffer(output)
    t.equal(file.string(file.dataSet, ManufacturerModelName), 'ANONYMIZED')
    const [item] = file.dataSet.get(0x00082218)?.items ?? []
    t.equal(item && file.string(item, 0x00080104), 'ANONYMIZED', 'where one must be, one is')
    t.notOk(output.includes(value))
  })
}

function kanji(): Buffer {
  return Buffer.from('1b2442334522731b2842', 'hex')
}

t.test('a text that the declaration has stays as it is', async (t) => {
  for (const [terms, value] of [
    [['ISO_IR 100'], Buffer.from('Sch\xe4del', 'latin1')],
    [['ISO_IR 192'], Buffer.from('Schädel')],
    [['GB18030'], Buffer.from('cda7', 'hex')],
    [['', 'ISO 2022 IR 87'], kanji()],
    [['ISO 2022 IR 13', 'ISO 2022 IR 87'], Buffer.from('cfb3', 'hex')],
  ] as const) {
    const output = await outputOf([declared(...terms), el(ManufacturerModelName, 'LO', value)])
    t.ok(output?.includes(value), terms.join('\\'))
  }
})

t.test('what is declared is what the text was read by', async (t) => {
  for (const declaration of [
    [el(SpecificCharacterSet, 'LO', 'ISO_IR 192')],
    [el(SpecificCharacterSet, 'UN', Buffer.from('ISO_IR 192'))],
  ]) {
    const output = await outputOf([
      ...declaration,
      el(ManufacturerModelName, 'LO', Buffer.from('Schädel ')),
    ])
    t.ok(output)
    const file = DicomFile.fromBuffer(output ?? Buffer.alloc(0))
    t.equal(file.dataSet.get(0x00080005)?.vr, 'CS')
    t.equal(file.string(file.dataSet, ManufacturerModelName), 'Schädel')
  }
})

const declaration = fc.constantFrom(
  undefined,
  [''],
  ['ISO_IR 100'],
  ['ISO_IR 101'],
  ['ISO_IR 144'],
  ['ISO_IR 126'],
  ['ISO_IR 192'],
  ['GB18030'],
  ['', 'ISO 2022 IR 87'],
  ['', 'ISO 2022 IR 149'],
  ['ISO 2022 IR 6', 'ISO 2022 IR 100'],
)

t.test(
  'in whatever a name and its mention are written and declared, it does not go out',
  async () => {
    const family = fc.constantFrom(...families)
    const mention = family.chain((name) => {
      const form = fc.constantFrom(...formsOf(name))
      return fc.record({
        name: fc.constant(name),
        inName: form,
        inText: form,
        isBinary: fc.boolean(),
        declaration,
      })
    })
    await fc.assert(
      fc.asyncProperty(mention, async ({ name, inName, inText, isBinary, declaration }) => {
        const text = Buffer.concat([Buffer.from('for '), inText])
        const bytes = Buffer.concat([Buffer.from([1, 2]), inText, Buffer.from([3])])
        const output = await outputOf([
          ...(declaration === undefined ? [] : [declared(...declaration)]),
          el(0x00100010, 'PN', Buffer.concat([inName, Buffer.from('^A')])),
          isBinary && inText.length >= 6 && inName.equals(inText)
            ? el(0x00282000, 'OB', bytes)
            : el(SoftwareVersions, 'LO', text),
        ])
        for (const form of formsOf(name)) if (output?.includes(form) === true) return false
        return true
      }),
      { numRuns: 120, seed: 7 },
    )
  },
)
