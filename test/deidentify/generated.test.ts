// Objects as nobody thought of them: what identifies a patient in any attribute, of any VR, at any depth, in any
// container and encoding. Whatever becomes of such a study, nothing of the patient is in what goes out.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { knownKeywords, tagOf, vrOf } from '../../src/lib/dicom/index.ts'
import { type TestElement, el, encapsulated, raw, sq, syntax } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { bytesOf, deidentify, newSite } from './deidentified.ts'
import { secretsIn, secretsInTexts, textsWithPydicom } from './corpus/find-leaks.ts'
import { secrets, stranger, unItem } from './corpus/specimen.ts'
import { rleFrame } from './frames.ts'
import { ofPerson, person } from './planted.ts'
import { plantedValue, secretUid } from './planted-value.ts'
import { publishedRows } from './published-table.ts'

/** The same objects each time: what a run finds, the next one finds. */
const seed = Number(process.env['FIONA_TEST_SEED'] ?? 20240607)
const numRuns = Number(process.env['FIONA_TEST_RUNS'] ?? 60)

/** What names the object, says how to read it, or describes its pixels: with another value it is another test. */
function isOfTheTest(tag: number): boolean {
  const group = tag >>> 16
  const naming = [0x00080005, 0x00080016, 0x00080018, 0x0020000d, 0x0020000e]
  return group < 8 || group === 0x0028 || group === 0x7fe0 || naming.includes(tag)
}

const attributes = [...knownKeywords()]
  .map((keyword) => tagOf(keyword) ?? 0)
  .filter((tag) => !isOfTheTest(tag) && vrOf(tag) !== undefined && vrOf(tag) !== 'SQ')
const inTable = publishedRows
  .filter(({ tag }) => /^[0-9A-F]{8}$/.test(tag))
  .map(({ tag }) => Number.parseInt(tag, 16))
  .filter((tag) => !isOfTheTest(tag))

/** Bytes of any number of units, so that they fit every VR of numbers. */
function filled(text: string): Buffer {
  return Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8), 'latin1')
}

/** What the usual attributes of the object tell of the patient, as it may stand in a value of this VR. */
function known(vr: string): fc.Arbitrary<string | Buffer> {
  const names = [person.family, person.given, person.referrer, person.operator]
  const words = [...names, person.id, person.accession]
  const texts = [...words, `of ${person.family} `, `born 23.04.1961`, `tel ${person.phone}`]
  switch (vr) {
    case 'DA':
      return fc.constantFrom(person.birthDate, person.studyDate)
    case 'DT':
      return fc.constantFrom(`${person.birthDate}101112`, `${person.studyDate}+0100`)
    case 'DS':
    case 'IS':
      return fc.constant(person.birthDate)
    case 'UI':
      return fc.constantFrom(`${person.foreignUid}.1`, `${person.studyUid}.1`)
    case 'AE':
    case 'CS':
    case 'SH':
      return fc.constantFrom(...words, ...names.map((name) => name.toUpperCase()))
    case 'PN':
    case 'LO':
    case 'LT':
    case 'ST':
    case 'UC':
    case 'UR':
    case 'UT':
      return fc.constantFrom(...texts, ...names.map((name) => name.toLowerCase()))
    default:
      return fc.constantFrom(...texts).map(filled)
  }
}

/** Attributes that stay, private ones, and bytes that are a sequence for whoever looks. */
const containers = ['kept', 'references', 'un', 'openUn', 'private', 'privateUn'] as const
type Container = (typeof containers)[number]

function inside(container: Container, elements: readonly TestElement[]): TestElement[] {
  const item = unItem(elements)
  const open = (tag: string, at: number) =>
    raw(Buffer.concat([Buffer.from(tag, 'hex'), item, Buffer.from('feffdde000000000', 'hex')]), at)
  switch (container) {
    case 'kept':
      return [sq(0x00082218, [elements])]
    case 'references':
      return [sq(0x00081140, [elements])]
    case 'un':
      return [el(0x00082218, 'UN', item)]
    case 'openUn':
      return [open('08001822554e0000ffffffff', 0x00082218)]
    case 'private':
      return [el(0x00290010, 'LO', 'MAKER 1'), sq(0x00291001, [elements])]
    case 'privateUn':
      return [el(0x00290010, 'LO', 'MAKER 1'), el(0x00291002, 'UN', item)]
  }
}

interface How {
  readonly transferSyntax: string
  readonly undefinedLengths: boolean
  readonly characterSet: string
}
const how: fc.Arbitrary<How> = fc.record({
  transferSyntax: fc.constantFrom(...Object.values(syntax)),
  undefinedLengths: fc.boolean(),
  characterSet: fc.constantFrom('ISO_IR 100', 'ISO_IR 192', 'ISO_IR 13', 'GB18030'),
})

/** An UN of undefined length has an explicit header, which nothing inside of another UN has: it is around all others. */
function pathsIn({ transferSyntax }: How): fc.Arbitrary<Container[]> {
  const isPlain = transferSyntax !== syntax.implicit && transferSyntax !== syntax.bigEndian
  const closed = containers.filter((one) => one !== 'openUn')
  return fc
    .tuple(fc.array(fc.constantFrom(...closed), { maxLength: 7 }), fc.boolean())
    .map(([path, opens]) => (isPlain && opens ? [...path, 'openUn'] : path))
}

function planted(spot: fc.Arbitrary<TestElement>, of: How): fc.Arbitrary<TestElement[]> {
  const branch = fc
    .tuple(spot, pathsIn(of))
    .map(([element, path]) =>
      path.reduce<TestElement[]>((all, container) => inside(container, all), [element]),
    )
  return fc
    .array(branch, { minLength: 1, maxLength: 4 })
    .map((all) => [...new Map(all.flat().map((element) => [element.tag, element])).values()])
}

function objectOf(of: How, elements: readonly TestElement[], more = {}): Buffer {
  const { transferSyntax, undefinedLengths, characterSet } = of
  const isNative = transferSyntax !== syntax.rle && transferSyntax !== syntax.jpegBaseline
  const frame = transferSyntax === syntax.rle ? rleFrame(1) : Buffer.from('ffd8ffd9', 'hex')
  return ofPerson({
    ...(isNative ? { transferSyntax } : { transferSyntax, without: [0x7fe00010] }),
    undefinedLengths,
    ...more,
    elements: [
      el(0x00080005, 'CS', characterSet),
      ...(isNative ? [] : [encapsulated([frame])]),
      ...elements,
    ],
  })
}

/** An object, and what to say of it when it was the one. */
interface Specimen {
  readonly object: Buffer
  readonly [fc.toStringMethod]: () => string
}

const objects = (spot: fc.Arbitrary<TestElement>): fc.Arbitrary<Specimen> =>
  how.chain((of) =>
    planted(spot, of).map((elements) => ({
      object: objectOf(of, elements),
      [fc.toStringMethod]: () => inspect({ of, elements }, { depth: 20 }),
    })),
  )

/** In the VR of the dictionary, or another one that a device may have thought of. */
const knownAnywhere = fc
  .constantFrom(...attributes)
  .chain((tag) =>
    fc
      .oneof(
        { weight: 5, arbitrary: fc.constant(vrOf(tag) ?? 'UN') },
        { weight: 1, arbitrary: fc.constantFrom('UN', 'OB', 'LO', 'UT', 'PN', 'UI', 'CS', 'FD') },
      )
      .chain((vr) => known(vr).map((value) => el(tag, vr, value))),
  )
const strangerInTable = fc
  .constantFrom(...inTable)
  .map((tag) => plantedValue(tag, vrOf(tag) ?? 'UN', stranger))

const outputs: Buffer[] = []

/** @throws what should not have happened */
function expect(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what())
}

t.test('what is known of the patient does not go out, wherever it stands', async (t) => {
  let made = 0
  await fc.assert(
    fc.asyncProperty(objects(knownAnywhere), async ({ object }) => {
      const { record, files } = await deidentify([object])
      const told = secretsIn(Buffer.from(JSON.stringify(record)), secrets)
      expect(told.length === 0, () => `the record tells ${String(told)}`)
      expect(files.length === (record.type === 'held' ? 0 : 1), () => 'half a study')
      if (record.type === 'held') return
      made += 1
      const [output = Buffer.alloc(0)] = bytesOf(files)
      outputs.push(output)
      const left = secretsIn(output, secrets)
      expect(left.length === 0, () => `it holds ${String(left)}`)
    }),
    { seed, numRuns },
  )
  t.ok(made > numRuns / 4, `${String(made)} of ${String(numRuns)} went out`)
})

t.test('what the table names goes, and the study goes out without it', async (t) => {
  const planted = [...secrets, stranger, secretUid, '20230917']
  await fc.assert(
    fc.asyncProperty(objects(strangerInTable), async ({ object }) => {
      const { record, files } = await deidentify([object])
      expect(record.type === 'deidentified', () => JSON.stringify(record['reasons']))
      const [output = Buffer.alloc(0)] = bytesOf(files)
      outputs.push(output)
      const left = secretsIn(output, planted)
      expect(left.length === 0, () => `it holds ${String(left)}`)
    }),
    { seed, numRuns },
  )
  t.end()
})

/** Objects that refer to each other, each reference beside the number of the object that it means. */
const study = fc
  .array(
    how.chain((of) =>
      fc
        .array(fc.tuple(fc.nat(2), fc.array(fc.constantFrom('kept', 'un'), { maxLength: 5 })), {
          minLength: 1,
          maxLength: 3,
        })
        .map((references) => ({ of, references })),
    ),
    { minLength: 3, maxLength: 3 },
  )
  .map((all) =>
    all.map(({ of, references }, at) =>
      objectOf(
        of,
        [
          sq(
            0x00081140,
            references.map(([to, path]) =>
              (path as Container[]).reduce<TestElement[]>(
                (elements, container) => inside(container, elements),
                [
                  el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
                  el(0x00081155, 'UI', `${person.foreignUid}.${String(to + 1)}`),
                  el(0x00200013, 'IS', String(to + 1)),
                ],
              ),
            ),
          ),
        ],
        { instanceNumber: at + 1 },
      ),
    ),
  )

t.test(
  'references lead where they led, and the same key makes the same of them in any order',
  { skip: missing('dcmdump') },
  async (t) => {
    const made: string[][] = []
    await fc.assert(
      fc.asyncProperty(study, async (objects) => {
        const once = await deidentify(objects)
        const again = await deidentify([...objects].reverse())
        const other = await deidentify(objects, { keyOf: () => Buffer.alloc(32, 3) })
        made.push([...once.files])
        const [here, there] = [once, again].map(({ files }) => bytesOf(files))
        const names = other.files.map((path) => path.split('/').at(-1) ?? '')
        return (
          once.files.length === 3 &&
          Buffer.concat(here ?? []).equals(Buffer.concat(there ?? [])) &&
          !names.some((name) => once.files.some((path) => path.endsWith(name)))
        )
      }),
      { seed, numRuns: Math.ceil(numRuns / 4) },
    )
    const script = `
import json, sys, pydicom
def references(ds, out):
    for element in ds:
        if element.VR == 'SQ':
            for item in element.value:
                if 'ReferencedSOPInstanceUID' in item:
                    out.append([int(item.InstanceNumber), item.ReferencedSOPInstanceUID])
                references(item, out)
    return out
for line in sys.stdin:
    sets = [pydicom.dcmread(path) for path in json.loads(line)]
    names = {int(ds.InstanceNumber): ds.SOPInstanceUID for ds in sets}
    found = [one for ds in sets for one in references(ds, [])]
    print(len(found), sum(names[to] != uid for to, uid in found))`
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], {
      input: made.map((files) => JSON.stringify(files)).join('\n'),
      encoding: 'utf8',
    })
    const lines = stdout.trim().split('\n')
    t.equal(lines.length, made.length, stderr)
    for (const line of lines) t.match(line, /^[1-9]\d* 0$/)
  },
)

t.test(
  'pydicom and dcmtk read all that went out, and nothing of the patient',
  { skip: missing('dcmdump') },
  async (t) => {
    const site = newSite()
    const paths = outputs.map((bytes, at) => {
      const path = join(site.root, `${String(at)}.dcm`)
      writeFileSync(path, bytes)
      return path
    })
    t.ok(paths.length > numRuns)
    textsWithPydicom(paths).forEach((texts, at) => {
      t.ok(texts !== undefined && texts.length > 10, paths[at] ?? '')
      t.same(secretsInTexts(texts ?? [], [...secrets, stranger]), [])
    })
    const { code, stderr } = await run('dcmdump', ['-q', ...paths])
    t.equal(code, 0, stderr.slice(0, 2000))
  },
)
