// What real encoders wrote (JPEG, JPEG-LS, JPEG 2000, RLE, deflated, big endian …) goes through the chain
// and comes out with the same pixel bytes, read by another reader.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { filesUnder } from '../deidentify/deidentified.ts'
import { missingPydicom, projectRoot, pydicomSamples, run } from '../fixtures/peers.ts'

const script = `${projectRoot}test/fixtures/clear-samples-with-pydicom.py`

function python(args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [script, ...args], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.split('\n').filter((line) => line !== '')
}

/** Samples that are wrong on purpose, and why they must wait. */
const wrong: Readonly<Record<string, string>> = {
  // NumberOfFrames is no number.
  'badVR.dcm': 'damaged-pixel-data',
  // Pixels without rows and columns.
  'nested_priv_SQ.dcm': 'damaged-pixel-data',
  'MR_truncated.dcm': 'incomplete-object',
}

t.test(
  'pixels of pydicom’s samples are the same behind the chain',
  { skip: missingPydicom() },
  async (t) => {
    const cwd = t.testdir()
    const folder = join(cwd, 'in')
    mkdirSync(folder)
    writeFileSync(join(cwd, 'key'), Buffer.alloc(32, 7), { mode: 0o600 })
    const copies = python([folder, ...pydicomSamples()]).map((line) => {
      const [path = '', transferSyntax = '', md5 = ''] = line.split(' ')
      return { path, transferSyntax, md5, name: basename(path) }
    })
    const syntaxes = new Set(copies.map(({ transferSyntax }) => transferSyntax))
    for (const last of [
      '1.2.1.99',
      '1.2.2',
      '1.2.4.50',
      '1.2.4.51',
      '1.2.4.70',
      '1.2.4.80',
      '1.2.4.90',
      '1.2.4.91',
      '1.2.5',
    ]) {
      t.ok(syntaxes.has(`1.2.840.10008.${last}`), `a sample of ${last}`)
    }
    const { stdout, stderr } = await run(
      'sh',
      [
        '-c',
        'fiona-import --in-place in | fiona-arrive | fiona-anon --key-file key --out out --data-dir var',
      ],
      { cwd },
    )
    const records = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AnyRecord)
    const held = records.filter(({ type }) => type === 'held')
    const made = records.filter(({ type }) => type === 'deidentified')
    t.same(
      held
        .map(({ reasons }) => (reasons as { code: string }[]).map(({ code }) => code))
        .flat()
        .sort(),
      copies.flatMap(({ name }) => wrong[name] ?? []).sort(),
      stderr,
    )
    const fine = copies.filter(({ name }) => wrong[name] === undefined)
    t.equal(made.length, fine.length)
    t.ok(fine.length >= 40)
    const outputs = filesUnder(join(cwd, 'out'))
    t.same(python(['--digest', ...outputs]).sort(), fine.map(({ md5 }) => md5).sort())
  },
)
