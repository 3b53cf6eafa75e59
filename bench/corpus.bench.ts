// What each tool leaves of a person in a corpus of objects with identity planted wherever it can hide (the same as in
// test/deidentify/corpus.test.ts). A requirement is one secret that an object has, gone from what the tool wrote; an object
// that the tool did not write meets none. Objects that nobody can clean alone have to be held: whatever is written passed.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { certificate } from './certificate.ts'
import { RestOrthanc } from './rest-orthanc.ts'
import { cleanable } from '../test/deidentify/corpus/cleanable.ts'
import { secretsIn } from '../test/deidentify/corpus/find-leaks.ts'
import { secrets } from '../test/deidentify/corpus/specimen.ts'
import { uncleanable } from '../test/deidentify/corpus/uncleanable.ts'
import { isInstalled } from '../test/fixtures/peers.ts'

const tool = fileURLToPath(new URL('../bin/fiona-anon', import.meta.url))
const study = '2.25.1001'

/** What it makes of one object; undefined where it writes nothing. */
type Anonymize = (
  object: Buffer,
  directory: string,
) => Promise<Buffer | undefined> | Buffer | undefined

/** The original's list, which it sets to nothing where they are at the top (anonymizeTags.json). */
const originalList =
  `0008,0080 0008,1040 0008,1070 0008,0081 0008,0050 0008,0090 0008,1155 0008,1010 0009,1030 0009,1002
  0010,0030 0010,1000 0010,1001 0010,1010 0010,1040 0010,0040 0020,4000 0020,0010 0025,101a`.split(
    /\s+/,
  )

export default {
  name: 'corpus',
  title: `Identity in ${String(Object.keys(cleanable).length)} objects to clean and ${String(Object.keys(uncleanable).length)} to hold`,
  async run() {
    const directory = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    const orthanc = await RestOrthanc.start(join(directory, 'orthanc'))
    try {
      const rows = []
      for (const [who, anonymize] of contenders(directory, orthanc)) {
        rows.push({ who, ...(await judge(anonymize, directory)) })
      }
      return { rows }
    } finally {
      await orthanc?.stop()
      rmSync(directory, { recursive: true })
    }
  },
}

function contenders(
  directory: string,
  orthanc: RestOrthanc | undefined,
): (readonly [string, Anonymize])[] {
  const key = join(directory, 'key')
  writeFileSync(key, Buffer.alloc(32, 1), { mode: 0o600 })
  const encryptFor = certificate(directory)
  // It wants the creators of private ones.
  const publicTags = originalList.filter((tag) => Number.parseInt(tag, 16) % 2 === 0)
  const dumb = publicTags.flatMap((tag) => ['--empty', tag])
  const changes = originalList.flatMap((tag) => ['-m', `(${tag})=`])
  const all: (readonly [string, string, Anonymize])[] = [
    ['fiona-anon', tool, ours(key)],
    ['gdcmanon, Basic Profile', 'gdcmanon', fileToFile('gdcmanon', ['-e', '-c', encryptFor])],
    [
      'gdcmanon --dumb, with the list of the original',
      'gdcmanon',
      fileToFile('gdcmanon', [
        '--dumb',
        '--replace',
        '10,10=S001',
        '--replace',
        '10,20=S001',
        ...dumb,
      ]),
    ],
    [
      'dcmodify, with the list of the original',
      'dcmodify',
      inPlace('dcmodify', [
        ...['-nb', '-imt', '-m', '(0010,0010)=S001', '-m', '(0010,0020)=S001'],
        ...changes,
      ]),
    ],
  ]
  const there = all.filter(([, program]) => program === tool || isInstalled(program))
  const rows = there.map(([who, , anonymize]) => [who, anonymize] as const)
  return orthanc === undefined
    ? rows
    : [...rows, ['Orthanc /anonymize', (object) => orthanc.anonymized(object)]]
}

function ours(key: string): Anonymize {
  return (object, directory) => {
    const [source, out] = [join(directory, 'archive', study), join(directory, 'out')]
    write(join(source, `${study}.1`, '2.25.1.dcm'), object)
    const series = [{ SeriesInstanceUID: `${study}.1`, instances: 1 }]
    const facts = { instances: 1, bytes: 0, reason: 'flush', revision: 1 }
    const record = { type: 'study', StudyInstanceUID: study, path: source, series, ...facts }
    const places = ['--key-file', key, '--out', out, '--data-dir', join(directory, 'data')]
    spawnSync(tool, [...places, '--log-level', 'silent'], { input: `${JSON.stringify(record)}\n` })
    return firstOf(out)
  }
}

function firstOf(folder: string): Buffer | undefined {
  if (!existsSync(folder)) return undefined
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const file = files.find((entry) => entry.isFile())
  return file && readFileSync(join(file.parentPath, file.name))
}

function fileToFile(program: string, options: readonly string[]): Anonymize {
  return (object, directory) => {
    const [source, target] = [join(directory, 'in.dcm'), join(directory, 'out.dcm')]
    write(source, object)
    const { status } = spawnSync(program, [...options, '-i', source, '-o', target])
    return status === 0 && existsSync(target) ? readFileSync(target) : undefined
  }
}

function inPlace(program: string, options: readonly string[]): Anonymize {
  return (object, directory) => {
    const path = join(directory, 'in.dcm')
    write(path, object)
    return spawnSync(program, [...options, path]).status === 0 ? readFileSync(path) : undefined
  }
}

function write(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

async function judge(anonymize: Anonymize, directory: string) {
  const run = async (object: Buffer) => {
    const place = mkdtempSync(join(directory, 'run-'))
    try {
      return await anonymize(object, place)
    } finally {
      rmSync(place, { recursive: true })
    }
  }
  const tally = { required: 0, met: 0, written: 0, leaking: 0, passed: 0 }
  for (const object of Object.values(cleanable)) {
    const required = secretsIn(object, secrets)
    tally.required += required.length
    const output = await run(object)
    if (output === undefined) continue
    const left = secretsIn(output, required).length
    tally.met += required.length - left
    tally.written += 1
    if (left > 0) tally.leaking += 1
  }
  for (const object of Object.values(uncleanable)) {
    if ((await run(object)) !== undefined) tally.passed += 1
  }
  return {
    'requirements met, %': Math.round((tally.met / tally.required) * 1000) / 10,
    'objects with a leak': `${String(tally.leaking)} of ${String(tally.written)}`,
    'should have been held, but passed': `${String(tally.passed)} of ${String(Object.keys(uncleanable).length)}`,
  }
}
