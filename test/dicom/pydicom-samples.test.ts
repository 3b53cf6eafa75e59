import { readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import t from 'tap'
import { type DataSet, DicomFile } from '../../src/lib/dicom/index.ts'
import { projectRoot, pydicomSamples } from '../fixtures/peers.ts'
import { besideDcmjs } from './beside-dcmjs.ts'
import { besidePydicom } from './beside-pydicom.ts'

/** Path of tags, VR (null: implicit), length (null: undefined), MD5 of the value. */
type Found = readonly [path: string, vr: string | null, length: number | null, md5: string | null]
interface Walk {
  readonly path: string
  readonly elements?: readonly Found[]
  readonly error?: string
}

function pydicomWalks(paths: readonly string[]): Walk[] {
  const done = spawnSync(
    '/usr/bin/python3',
    [`${projectRoot}test/fixtures/walk-with-pydicom.py`, ...paths],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  return done.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Walk)
}

function ourWalk(path: string): Found[] {
  using file = DicomFile.open(path)
  const found: Found[] = []
  const walk = (dataSet: DataSet, above: string): void => {
    for (const element of dataSet.elements) {
      const { tag, vr, length, undefinedLength, items } = element
      const at = above + tag.toString(16).padStart(8, '0')
      const md5 = createHash('md5').update(file.bytes(element)).digest('hex')
      found.push([at, vr, undefinedLength ? null : length, md5])
      items?.forEach((item, number) => {
        walk(item, `${at}/${String(number)}/`)
      })
    }
  }
  walk(file.dataSet, '')
  return found
}

/** Damaged on purpose, or no DICOM at all; pydicom reads what it can of them. */
const refused: Readonly<Record<string, RegExp>> = {
  'MR_truncated.dcm': /\(7FE0,0010\) claims 8192 bytes, 8130 are left/,
  'rtplan_truncated.dcm': /\(300A,00B0\) claims 976 bytes, 711 are left/,
  'no_meta.dcm': /not a DICOM file/,
}

const samples = pydicomSamples()
const skip = samples.length === 0 ? 'pydicom not installed' : false

t.test(
  'every element of its sample files is where pydicom finds it, and as long',
  { skip },
  (t) => {
    const walks = pydicomWalks(samples)
    t.equal(walks.length, samples.length)
    for (const { path, elements = [], error } of walks) {
      const name = basename(path)
      if (refused[name] !== undefined) {
        t.throws(() => ourWalk(path), { code: 'E_DICOM_PARSE', message: refused[name] }, name)
        continue
      }
      t.equal(error, undefined, name)
      const ours = new Map(ourWalk(path).map((found) => [found[0], found]))
      t.same(
        [...ours.keys()].sort(),
        elements.map(([at]) => at).sort(),
        `${name}: the same elements`,
      )
      const different = elements.filter(([at, ...theirs]) => {
        const [, ...found] = ours.get(at) ?? [at]
        // Where pydicom has turned an element into a sequence already, it knows neither length nor bytes.
        return theirs.some((fact, index) => fact !== null && fact !== found[index])
      })
      t.same(different, [], `${name}: VR, length and bytes of ${String(elements.length)} elements`)
    }
    t.end()
  },
)

t.test(
  'opened in front of the pixel data, a truncated file is found out by requireWhole',
  { skip },
  (t) => {
    for (const path of samples) {
      const name = basename(path)
      if (name in refused && name !== 'MR_truncated.dcm') continue
      using file = DicomFile.open(path, { stopAtPixelData: true })
      t.equal(file.dataSet.get(0x7fe00010), undefined, name)
      const check = (): void => {
        file.requireWhole()
      }
      if (name === 'MR_truncated.dcm') t.throws(check, { code: 'E_DICOM_PARSE' }, name)
      else t.doesNotThrow(check, name)
    }
    t.end()
  },
)

const whole = samples.filter((path) => refused[basename(path)] === undefined)

/** Paths of elements that a peer reads otherwise, and why that is its fault. */
type Known = Readonly<Record<string, readonly string[]>>

const knownOfPydicom: Known = {
  // Fragments in an implicit VR file: pydicom calls them OB, as only explicit VR may hold them (PS3.5 A.4).
  'SC_rgb_jpeg.dcm': ['7fe00010'],
}

t.test('every value of its sample files is what pydicom reads', { skip }, async (t) => {
  const found = besidePydicom(whole.map((path) => readFileSync(path)))
  t.equal(found.length, whole.length)
  const different = whole.flatMap((path, at) => {
    const known = knownOfPydicom[basename(path)] ?? []
    const rest = (found[at] ?? []).filter((each) => !known.includes(each.path))
    return rest.length === 0 ? [] : [[basename(path), rest]]
  })
  t.same(different, [])
})

const knownOfDcmjs: Known = {
  // It does not look at Pixel Representation, which makes these signed (PS3.3 C.7.6.3.1).
  'MR_small_implicit.dcm': ['00280106', '00280107'],
  // `1A`, of which it makes 1.
  'badVR.dcm': ['00280008'],
}
const refusedByDcmjs: Readonly<Record<string, RegExp>> = {
  'ExplVR_BigEndNoMeta.dcm': /expected header is missing/,
  'ExplVR_LitEndNoMeta.dcm': /expected header is missing/,
  'J2K_pixelrep_mismatch.dcm': /multiple character sets/,
  // Sequences in UN, and private ones.
  'UN_sequence.dcm': /past end/,
  'nested_priv_SQ.dcm': /past end/,
  'meta_missing_tsyntax.dcm': /undefined/,
  'no_meta_group_length.dcm': /meta length tag/,
  'rtstruct.dcm': /expected header is missing/,
}

/** Implicit VR with fragments: it takes half a gigabyte that is not there for text, and needs seconds for that. */
const endlessForDcmjs = ['SC_rgb_jpeg.dcm', 'rtdose_rle.dcm', 'rtdose_rle_1frame.dcm']

t.test('and what dcmjs reads, as far as it can', { skip }, async (t) => {
  const different = whole.flatMap((path) => {
    const name = basename(path)
    if (endlessForDcmjs.includes(name)) return []
    const bytes = readFileSync(path)
    const refusal = refusedByDcmjs[name]
    if (refusal !== undefined) {
      t.throws(() => besideDcmjs(bytes), { message: refusal }, name)
      return []
    }
    const known = knownOfDcmjs[name] ?? []
    const rest = besideDcmjs(bytes).filter((each) => !known.includes(each.path))
    return rest.length === 0 ? [] : [[name, rest]]
  })
  t.same(different, [])
})
