import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { partsIn } from '../fixtures/incoming.ts'
import { Importer, type ImporterOptions } from '../../src/lib/import/index.ts'
import { Intake } from '../../src/lib/intake/index.ts'
import { ctImage, dicomFile, el, sq } from '../fixtures/dicom-writer.ts'

function importer(dataDir: string, options: Partial<ImporterOptions> = {}) {
  const intake = new Intake({ dataDir, projects: {}, durability: 'none' })
  return new Importer({ intake, dataDir, realDataDir: dataDir, mode: 'copy', ...options })
}
const named = (path: string) => ({ kind: 'file', path, isWalked: false }) as const
const walked = (path: string) => ({ kind: 'file', path, isWalked: true }) as const
async function recordOf(imports: Importer, path: string) {
  const imported = await imports.import(named(path))
  if (!('record' in imported)) throw new Error(imported.skipped)
  return imported
}

t.test('a copy is the source’s bytes, with the archive’s mode and not the source’s', async (t) => {
  const root = t.testdir({ data: {}, 'a.dcm': ctImage() })
  execFileSync('chmod', ['0777', join(root, 'a.dcm')])
  const { record } = await recordOf(importer(join(root, 'data')), join(root, 'a.dcm'))
  t.same(readFileSync(record.path), ctImage())
  t.equal(statSync(record.path).mode & 0o777, 0o640)
})

t.test(
  'what lies in the archive is neither copied nor removed, and keeps its project',
  async (t) => {
    const root = t.testdir({ data: {}, 'a.dcm': ctImage({ meta: [el(0x00020016, 'AE', 'CT1')] }) })
    const dataDir = join(root, 'data')
    const stored = await recordOf(importer(dataDir, { project: 'A B%' }), join(root, 'a.dcm'))
    for (const mode of ['copy', 'move', 'inPlace'] as const) {
      const { record, removeSource } = await recordOf(
        importer(dataDir, { mode }),
        stored.record.path,
      )
      const { path, project } = stored.record
      t.match(record, { path, project, duplicate: true, source: { callingAET: 'CT1' } }, mode)
      t.equal(removeSource, undefined)
    }
    t.ok(existsSync(stored.record.path))
  },
)

t.test('a source that was written to after it was copied is not removed', async (t) => {
  const root = t.testdir({ data: {}, 'a.dcm': ctImage() })
  const path = join(root, 'a.dcm')
  const { removeSource } = await recordOf(importer(join(root, 'data'), { mode: 'move' }), path)
  writeFileSync(path, 'something else, not yet imported')
  await t.rejects(removeSource?.() ?? Promise.resolve(), { code: 'E_FILE_CHANGED' })
  t.ok(existsSync(path))
})

t.test('SEC-09: a file replaced by a link since it was found is refused', async (t) => {
  const root = t.testdir({ data: {}, folder: { 'a.dcm': '' }, secret: ctImage() })
  const path = join(root, 'folder/a.dcm')
  rmSync(path)
  symlinkSync('../secret', path)
  for (const mode of ['copy', 'inPlace'] as const) {
    await t.rejects(importer(join(root, 'data'), { mode }).import(walked(path)), {
      code: 'E_FILE_CHANGED',
    })
  }
})

t.test('SEC-09: a folder replaced by a link since it was found is refused', async (t) => {
  const root = t.testdir({ data: {}, folder: { 'a.dcm': '' }, secret: { 'a.dcm': ctImage() } })
  renameSync(join(root, 'folder'), join(root, 'was'))
  symlinkSync('secret', join(root, 'folder'))
  const imports = importer(join(root, 'data'))
  await t.rejects(imports.import(walked(join(root, 'folder/a.dcm'))), { code: 'E_FILE_CHANGED' })
  t.notOk(existsSync(join(root, 'data/default')))
})

t.test('a link met in a folder is read in place, but not copied', async (t) => {
  const root = t.testdir({ data: {}, 'a.dcm': ctImage() })
  const path = join(root, 'a.dcm')
  const entry = { ...walked(path), link: join(root, 'link') }
  const data = join(root, 'data')
  t.match(await importer(data, { mode: 'inPlace' }).import(entry), { record: { path } })
  await t.rejects(importer(data).import(entry), { code: 'E_FILE_TYPE' })
})

t.test('a DICOMDIR is passed over, also a damaged one', async (t) => {
  const record = [el(0x00041430, 'CS', 'IMAGE')]
  const bytes = dicomFile({
    meta: [el(0x00020002, 'UI', '1.2.840.10008.1.3.10')],
    elements: [el(0x00041130, 'CS', 'DISC'), sq(0x00041220, [record])],
  })
  const root = t.testdir({ DICOMDIR: bytes, cut: bytes.subarray(0, -3) })
  for (const name of ['DICOMDIR', 'cut']) {
    const imported = await importer(root).import(named(join(root, name)))
    t.match(imported, { skipped: 'directory' })
  }
})

t.test(
  'other files are passed over in folders only, and only when they are no DICOM',
  async (t) => {
    const root = t.testdir({
      'readme.txt': 'put the CD into the drive',
      'cut.dcm': ctImage().subarray(0, -5),
      'bare.dcm': ctImage({ preamble: false }).subarray(0, 700),
      'empty.dcm': '',
    })
    const path = (name: string) => join(root, name)
    const imports = importer(root)
    t.same(await imports.import(walked(path('readme.txt'))), { skipped: 'notDicom' })
    for (const entry of [
      named(path('readme.txt')),
      walked(path('cut.dcm')),
      walked(path('bare.dcm')),
      walked(path('empty.dcm')),
    ]) {
      const said = { code: 'E_DICOM_PARSE', message: new RegExp(entry.path.slice(-9)) }
      await t.rejects(imports.import(entry), said, entry.path.slice(-10))
    }
    const strict = importer(root, { isStrict: true })
    await t.rejects(strict.import(walked(path('readme.txt'))), { code: 'E_DICOM_PARSE' })
    t.same(readdirSync(root).sort(), ['bare.dcm', 'cut.dcm', 'empty.dcm', 'readme.txt'])
  },
)

t.test('a name that is not UTF-8 can be copied, but no record can point to it', async (t) => {
  const root = t.testdir({ data: {}, folder: {} })
  const path = Buffer.concat([Buffer.from(`${root}/folder/`), Buffer.of(0xff, 0x31)])
  writeFileSync(path, ctImage())
  const entry = { kind: 'file', path, isWalked: true } as const
  const data = join(root, 'data')
  await t.rejects(importer(data, { mode: 'inPlace' }).import(entry), { code: 'E_PATH_ENCODING' })
  const moved = await importer(data, { mode: 'move' }).import(entry)
  if (!('record' in moved)) throw new Error(moved.skipped)
  t.same(readFileSync(moved.record.path), ctImage())
  await moved.removeSource?.()
  t.same(readdirSync(join(root, 'folder')), [])
})

t.test('a damaged source leaves no trace in the data directory', async (t) => {
  const root = t.testdir({ data: {}, 'a.dcm': ctImage({ without: [0x0020000d] }) })
  mkdirSync(join(root, 'data/incoming'))
  await t.rejects(importer(join(root, 'data')).import(named(join(root, 'a.dcm'))), {
    code: 'E_UID_INVALID',
  })
  t.same(readdirSync(join(root, 'data')), ['incoming'])
  t.same(partsIn(join(root, 'data')), [])
})

t.test(
  'SEC-20: a file that is cut off at any byte is told, and nothing is thrown but that',
  async (t) => {
    const root = t.testdir({ data: {}, folder: {} })
    const path = join(root, 'folder/a.dcm')
    const imports = importer(join(root, 'data'))
    const whole = ctImage()
    const told: string[] = []
    for (let bytes = 0; bytes < whole.length; bytes++) {
      writeFileSync(path, whole.subarray(0, bytes))
      const outcome = await imports.import(walked(path)).catch((error: unknown) => error)
      const { code } = outcome as { code?: string }
      // Cut between two elements it is a whole data set of fewer; the archive takes it when it says what it is.
      told.push(code ?? Object.keys(outcome as object).join())
    }
    t.same([...new Set(told)].sort(), ['E_DICOM_PARSE', 'E_UID_INVALID', 'record', 'skipped'])
    const firstBytes = told.slice(0, 132)
    t.ok(firstBytes.every((what) => what !== 'record'))
    t.same(partsIn(join(root, 'data')), [])
  },
)
