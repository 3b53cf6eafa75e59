// Real files, of many devices and programs, and the whole corpus: what goes out has nothing of the person whom another reader
// sees in what came in, and no mistake that dciodvfy does not find in what came in.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { missing, missingPydicom, projectRoot, pydicomSamples } from '../fixtures/peers.ts'
import { cleanable } from './corpus/cleanable.ts'
import {
  deidentifierAt,
  deidentify,
  filesUnder,
  newSite,
  reasonsOf,
  study,
} from './deidentified.ts'

/** What dciodvfy finds wrong, without the values that it quotes. */
function mistakesIn(path: string): Set<string> {
  const { stderr } = spawnSync('dciodvfy', [path], { encoding: 'utf8' })
  const errors = stderr.split('\n').filter((line) => line.startsWith('Error'))
  return new Set(
    errors.map((line) =>
      line.replace(/ = <[^>]*>|"[^"]*"/g, '').replace(/[0-9.]+$|[0-9.]{2,}/g, ''),
    ),
  )
}

function newMistakes(input: string, output: string): string[] {
  const before = mistakesIn(input)
  return [...mistakesIn(output)].filter((line) => !before.has(line))
}

/** What dciodvfy cannot see in what came in, or what nobody can keep. */
const mayBeNew: Readonly<Record<string, RegExp>> = {
  // It does not look into a UN; what comes out is a sequence.
  'a UN of undefined length in big endian': /CodeSequenceMacro>$/,
  // It does not read an item with pixel data in it to its end.
  'pixel data inside of a kept sequence': /<LUTDescriptor>/,
}

t.test(
  'no object of the corpus has a mistake that it had not before',
  { skip: missing('dciodvfy') },
  async (t) => {
    for (const [name, object] of Object.entries(cleanable)) {
      const { site, files } = await deidentify([object])
      const input = join(site.root, 'input.dcm')
      writeFileSync(input, object)
      const found = newMistakes(input, files[0] ?? '')
      t.same(
        found.filter((line) => mayBeNew[name]?.test(line) !== true),
        [],
        name,
      )
    }
  },
)

interface Sample {
  readonly path: string
  readonly held: readonly string[]
  /** What went out, at once or released by a person. */
  readonly output: string | undefined
}

/** Each a study of its own, released where it is held and can be. */
async function madeOf(path: string): Promise<Sample> {
  const bytes = readFileSync(path)
  const site = newSite()
  const { StudyInstanceUID, SeriesInstanceUID } = uidsOf(bytes)
  const archive = join(site.dataDir, 'default/archive', StudyInstanceUID)
  mkdirSync(join(archive, SeriesInstanceUID), { recursive: true })
  writeFileSync(join(archive, SeriesInstanceUID, 'one.dcm'), bytes)
  const deidentifier = deidentifierAt(site)
  const record = (await deidentifier.record({
    type: 'study',
    StudyInstanceUID,
    path: archive,
    series: [{ SeriesInstanceUID, instances: 1 }],
    ...{ instances: 1, bytes: bytes.length, reason: 'flush', revision: 1 },
  })) as AnyRecord
  const held = reasonsOf(record)
  if (held.length > 0) {
    await deidentifier
      .release(String(record['requestId']), false, () => Promise.resolve())
      .catch(ignored)
  }
  return { path, held, output: filesUnder(site.out)[0] }
}

/** What cannot be released is not. */
function ignored(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'E_NOT_RELEASABLE') throw error
}

function uidsOf(bytes: Buffer): { StudyInstanceUID: string; SeriesInstanceUID: string } {
  try {
    const file = DicomFile.fromBuffer(bytes)
    const read = (tag: number) => file.string(file.dataSet, tag) ?? ''
    const uids = { StudyInstanceUID: read(0x0020000d), SeriesInstanceUID: read(0x0020000e) }
    if (Object.values(uids).every((uid) => uid !== '')) return uids
  } catch {
    // It is what the record says; the file is held.
  }
  return { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` }
}

/** Samples that do not go out as they are, and why: all others must. */
const waiting: Readonly<Record<string, readonly string[]>> = {
  'MR_truncated.dcm': ['unreadable-object'],
  'SC_rgb_jpeg.dcm': ['damaged-pixel-data', 'screen-capture'],
  'UN_sequence.dcm': ['unreadable-object'],
  'badVR.dcm': ['damaged-pixel-data'],
  'empty_charset_LEI.dcm': ['unreadable-object'],
  'meta_missing_tsyntax.dcm': ['unreadable-object'],
  'nested_priv_SQ.dcm': ['unreadable-object'],
  'no_meta.dcm': ['unreadable-object'],
  'no_meta_group_length.dcm': ['unreadable-object'],
  'priv_SQ.dcm': ['unreadable-object'],
  'rtplan_truncated.dcm': ['unreadable-object'],
  // The institution is called `Here`, and the manufacturer `Manufacturer name here`.
  'rtplan.dcm': ['identity-found'],
}
/** Pictures of screens, by their class: a person has to look. */
const pictures = /^(?:SC_|JPE?G|ExplVR_BigEnd\.dcm|GDCMJ2K_TextGBR|image_dfl)/

const skip = missingPydicom() || missing('dciodvfy')
t.test('pydicom’s samples go out without anybody, as valid as they came', { skip }, async (t) => {
  const samples: Sample[] = []
  for (const path of pydicomSamples()) samples.push(await madeOf(path))
  for (const { path, held } of samples) {
    const name = basename(path)
    const expected = waiting[name] ?? (pictures.test(name) ? ['screen-capture'] : [])
    t.same([...held].sort(), expected, name)
  }
  const made = samples.filter(({ output }) => output !== undefined)
  t.ok(made.length >= 48, String(made.length))
  for (const { path, output = '' } of made) t.same(newMistakes(path, output), [], basename(path))
  const { stdout, stderr } = spawnSync(
    '/usr/bin/python3',
    [`${projectRoot}test/fixtures/identity-with-pydicom.py`],
    {
      input: made.map(({ path, output = '' }) => `${path}\t${output}`).join('\n'),
      encoding: 'utf8',
    },
  )
  const left = stdout.split('\n').filter((line) => line !== '')
  t.equal(left.length, made.length, stderr)
  left.forEach((found, at) => {
    t.equal(found, '[]', basename(made[at]?.path ?? ''))
  })
})

t.test('that reader sees what is there: of the samples themselves it tells much', { skip }, (t) => {
  const paths = pydicomSamples().filter((path) => /CT_small|MR_small\.dcm|rtstruct/.test(path))
  const { stdout } = spawnSync(
    '/usr/bin/python3',
    [`${projectRoot}test/fixtures/identity-with-pydicom.py`],
    { input: paths.map((path) => `${path}\t${path}`).join('\n'), encoding: 'utf8' },
  )
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
  t.equal(told.length, 3)
  for (const one of told) t.ok(one.length > 5, one.join())
  t.end()
})
