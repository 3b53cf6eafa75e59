import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { store, tree, type StoredObject } from '../organize/organized.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The built tool; from its sources where nothing was built yet. */
const [file = '', ...before] = existsSync(join(root, 'dist/tools/fiona-organize.js'))
  ? [join(root, 'bin/fiona-organize')]
  : [process.execPath, '--import', 'tsx', 'scripts/run-tool.mjs', 'fiona-organize']
const env = { ...process.env, FIONA_CONFIG: '' }

export function runOrganize(args: readonly string[], records: readonly unknown[] = []) {
  const input = records.map((record) => `${JSON.stringify(record)}\n`).join('')
  const done = spawnSync(file, [...before, ...args], { cwd: root, input, encoding: 'utf8', env })
  const out = done.stdout.split('\n').filter((line) => line !== '')
  return {
    code: done.status,
    err: done.stderr,
    records: out.map((line) => JSON.parse(line) as AnyRecord),
  }
}
/** Its stdout is closed behind the first line. */
export function runUntilFirstLine(args: readonly string[]) {
  const script = '{ "$@"; echo "code $?" >&2; } | head -n 1'
  const command = ['-c', script, 'sh', file, ...before, ...args, '--log-level', 'error']
  const done = spawnSync('sh', command, { cwd: root, encoding: 'utf8', env })
  const [, err = '', code = ''] = /^([^]*)code (\d+)\n$/.exec(done.stderr) ?? []
  return { code: Number(code), err, first: done.stdout }
}

/** The record of an object whose header has these names, and no others. */
export function stored(
  dataDir: string,
  object: StoredObject,
  names: Record<string, string> = {},
): AnyRecord {
  const { PatientID = 'P1', SeriesDescription = 'Axial', Modality = 'CT' } = names
  const elements = [
    el(0x00080060, 'CS', Modality),
    el(0x0008103e, 'LO', SeriesDescription),
    el(0x00100020, 'LO', PatientID),
  ]
  const record: AnyRecord = store(dataDir, { ...object, image: { elements } })
  // Without them the header is read, as a rebuild does.
  return { ...record, attributes: undefined }
}

/** Names that a file system, a shell or a view over a share would stumble over. */
export const hostile = [
  '../../../../tmp/x',
  'a/b\\c',
  '.',
  '-rf',
  'con',
  'A~b%2F',
  "'; rm *",
  'x'.repeat(64),
]

/** Each name in the views, and what it says. */
export function viewsIn(dataDir: string): Record<string, string> {
  const views: Record<string, string> = {}
  for (const project of readdirSync(dataDir)) {
    for (const name of ['raw', 'participants', 'srs']) {
      const directory = join(dataDir, project, name)
      for (const path of existsSync(directory) ? tree(directory) : []) {
        const at = join(directory, path)
        const isLink = lstatSync(at).isSymbolicLink()
        views[`${project}/${name}/${path}`] = isLink ? readlinkSync(at) : readFileSync(at, 'utf8')
      }
    }
  }
  return views
}
