import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Importer, type ImporterOptions } from '../../src/lib/import/index.ts'
import { Intake } from '../../src/lib/intake/index.ts'
import { FionaError } from '../../src/lib/error/index.ts'
import { ctImage, dicomFile, el, sq } from '../fixtures/dicom-writer.ts'

/** A DICOMDIR that lists these files, by the components of their names. */
function directoryOf(files: readonly (readonly string[])[]): Buffer {
  const records = files.map((components) => [
    el(0x00041430, 'CS', 'IMAGE'),
    el(0x00041500, 'CS', components),
  ])
  return dicomFile({
    meta: [el(0x00020002, 'UI', '1.2.840.10008.1.3.10')],
    elements: [
      el(0x00041130, 'CS', 'DISC'),
      sq(0x00041220, [[el(0x00041430, 'CS', 'PATIENT')], ...records]),
    ],
  })
}

/** The codes of what the DICOMDIR in `root` makes, and where. */
async function missing(root: string, mode: ImporterOptions['mode'] = 'copy') {
  const dataDir = join(root, '../data')
  const intake = new Intake({ dataDir, projects: {}, durability: 'none' })
  const importer = new Importer({ intake, dataDir, realDataDir: dataDir, mode })
  const path = join(root, 'DICOMDIR')
  const imported = await importer.import({ kind: 'file', path, isWalked: true })
  t.match(imported, { skipped: 'directory' })
  const told: [code: string, path: string][] = []
  if (!('parts' in imported)) return told
  for await (const part of imported.parts) {
    const error: unknown = await part.import().catch((trouble: unknown) => trouble)
    if (!(error instanceof FionaError)) throw error
    told.push([error.code, part.input.path])
  }
  return told
}

t.test('what a DICOMDIR lists and the medium lacks is told, one error each', async (t) => {
  const root = join(t.testdir({ in: { IMAGES: { IM1: '', IM2: '' }, README: '' } }), 'in')
  writeFileSync(
    join(root, 'DICOMDIR'),
    directoryOf([
      ['IMAGES', 'IM1'],
      ['IMAGES', 'IM2'],
      ['IMAGES', 'IM3'],
      ['GONE', 'IM1'],
      ['README'],
    ]),
  )
  t.same(await missing(root), [
    ['E_MEDIUM_INCOMPLETE', join(root, 'IMAGES/IM3')],
    ['E_MEDIUM_INCOMPLETE', join(root, 'GONE/IM1')],
  ])
  t.same((await missing(root, 'inPlace')).length, 2)
  t.same(await missing(root, 'move'), [], 'what was moved is not missing')
})

t.test(
  'names as discs show them are found: small letters, versions, a dot at the end',
  async (t) => {
    const root = join(t.testdir({ in: { images: { im1: '', 'im2;1': '', 'im3.': '' } } }), 'in')
    const names = ['IM1', 'IM2', 'IM3'].map((name) => ['IMAGES', name])
    writeFileSync(join(root, 'DICOMDIR'), directoryOf(names))
    t.same(await missing(root), [])
  },
)

t.test('SEC-08: a Referenced File ID that leads out is never followed, and told', async (t) => {
  const root = join(t.testdir({ in: {}, secret: { IM1: ctImage() } }), 'in')
  mkdirSync(join(root, 'A'))
  symlinkSync('../secret', join(root, 'LINK'))
  const hostile = [
    ['..', 'secret', 'IM1'],
    ['A', '..', '..', 'secret', 'IM1'],
    ['/etc', 'passwd'],
    ['.'],
    ['A/../../secret/IM1'],
  ]
  writeFileSync(join(root, 'DICOMDIR'), directoryOf([...hostile, ['LINK', 'IM1']]))
  t.same(await missing(root), [
    ...hostile.map(() => ['E_MEDIUM_NAME', join(root, 'DICOMDIR')]),
    ['E_MEDIUM_INCOMPLETE', join(root, 'LINK/IM1')],
  ])
})
