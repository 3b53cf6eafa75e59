import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Review } from '../../src/lib/deidentify/review/review.ts'
import { Waiver } from '../../src/lib/deidentify/review/waiver.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { type Site, archived, deidentifierAt, filesUnder, newSite } from './deidentified.ts'

const burnedIn = ctImage({ elements: [el(0x00280301, 'CS', 'YES')] })

/** A site with one study held: its requestId, and where the held ones are. */
async function withHeld(): Promise<Site & { readonly id: string; readonly review: string }> {
  const site = newSite()
  const held = await deidentifierAt(site).record(archived(site, [burnedIn]))
  const { requestId } = held as unknown as { readonly requestId: string }
  return { ...site, id: requestId, review: join(site.dataDir, 'default/review') }
}

/** Both decisions, which must not be made. */
async function decide(site: Site, requestId: string): Promise<string[]> {
  const published: unknown[] = []
  const deidentifier = deidentifierAt(site)
  const release = deidentifier.release(requestId, true, (record) => {
    published.push(record)
    return Promise.resolve()
  })
  const outcomes = await Promise.allSettled([release, deidentifier.drop(requestId)])
  if (published.length > 0) return ['published']
  return outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code,
  )
}

t.test('folders that cannot be read are told of: they do not pass for empty ones', async (t) => {
  const site = await withHeld()
  // Root reads everything; nobody reads a link that leads to itself.
  mkdirSync(join(site.dataDir, 'other'))
  symlinkSync('review', join(site.dataDir, 'other/review'))
  const waiting = await new Review(site.dataDir).list()
  t.match(
    waiting.map(({ problem }) => problem).sort(),
    [/other\/review cannot be read: ELOOP/, undefined],
    'and the study of the other project is listed',
  )
  const loop = join(site.root, 'loop')
  symlinkSync('loop', loop)
  await t.rejects(new Review(loop).list(), { code: 'E_REVIEW', message: /cannot be read: ELOOP/ })
  t.same(await new Review(join(site.root, 'none')).list(), [], 'where nothing is, nothing is held')
})

t.test('what came after a person had looked is not released with it', async (t) => {
  const site = await withHeld()
  const { id } = site
  const another = ctImage({ instanceNumber: 2, elements: [el(0x00280301, 'CS', 'YES')] })
  writeFileSync(join(site.dataDir, 'default/archive/2.25.1001/2.25.1001.1/late.dcm'), another)
  const deidentifier = deidentifierAt(site)
  const published: AnyRecord[] = []
  const release = () =>
    deidentifier.release(id, false, (record) => {
      published.push(record)
      return Promise.resolve()
    })
  await release()
  t.match(published, [{ type: 'held', reasons: [{ code: 'burned-in-annotation', count: 2 }] }])
  t.same(filesUnder(site.out), [])
  await release()
  t.match(published[1], { type: 'deidentified', instances: 2 }, 'now both are looked at')
})

t.test('what a program answered may be in other words, and as often', (t) => {
  const code = 'text-search-failed'
  const held = new Waiver([
    { code, where: 'pixels.ocr: tesseract ended with code 1', count: 2 },
    { code: 'screen-capture', where: '(0008,0016) SOPClassUID', count: 2 },
  ])
  const words = (count: number) => [
    { code, where: 'pixels.ocr: no answer in time', count } as const,
  ]
  t.ok(held.covers([]))
  t.ok(held.covers(words(2)))
  t.notOk(held.covers(words(3)))
  t.notOk(held.covers([...words(1), ...words(2)]))
  t.notOk(held.covers([{ code: 'screen-capture', where: '(0008,0008) ImageType', count: 1 }]))
  t.notOk(Waiver.nothing.covers(words(1)))
  t.end()
})

t.test('a name that is no requestId finds nothing and touches nothing', async (t) => {
  const site = await withHeld()
  const { id } = site
  const before = filesUnder(site.root)
  for (const hostile of [
    '../../../etc',
    '..',
    '.',
    '',
    ' ',
    '/etc/passwd',
    `../review/${id}`,
    `./${id}`,
    `${id}/`,
    `${id}\0`,
    `${id}\n`,
    `${id}\u200b`,
    id.toLowerCase(),
    '%2E%2E',
    '-',
    '*',
    '\u202e',
    'x'.repeat(100_000),
  ]) {
    t.same(await decide(site, hostile), ['E_NOT_HELD', 'E_NOT_HELD'], hostile.slice(0, 40))
  }
  t.same(filesUnder(site.root), before)
})

t.test('a project whose name is no name of a folder is found again', async (t) => {
  const site = newSite()
  const options = { project: 'Trial/7: phase 2' }
  const held = await deidentifierAt(site, options).record(archived(site, [burnedIn]))
  const { requestId } = held as unknown as { readonly requestId: string }
  t.match(await deidentifierAt(site).drop(requestId), options)
})

t.test('a long requestId is not taken for another that begins like it', async (t) => {
  const site = newSite()
  const { StudyInstanceUID, path, series } = archived(site, [burnedIn])
  const request = (end: string): AnyRecord => ({
    type: 'request',
    requestId: 'r'.repeat(300) + end,
    revision: 1,
    project: 'default',
    participant: 'T-042',
    StudyInstanceUID,
    path,
    series,
  })
  const deidentifier = deidentifierAt(site)
  t.match(await deidentifier.record(request('a')), { type: 'held' })
  await t.rejects(deidentifier.record(request('b')), { code: 'E_REVIEW' })
  t.same(await decide(site, 'r'.repeat(300) + 'b'), ['E_NOT_HELD', 'E_NOT_HELD'])
  await deidentifier.drop('r'.repeat(300) + 'a')
})

t.test('what others put into the review folder is not followed', async (t) => {
  const site = await withHeld()
  const { id, review } = site
  const elsewhere = join(site.root, 'elsewhere')
  const text = readFileSync(join(review, id, 'held.json'), 'utf8')
  const write = (folder: string, more: object, mode = 0o600) => {
    const path = join(folder, 'held.json')
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(text) as AnyRecord), ...more }))
    chmodSync(path, mode)
  }
  mkdirSync(join(elsewhere, 'objects'), { recursive: true, mode: 0o700 })
  write(elsewhere, { requestId: 'a link to a folder' })
  symlinkSync(elsewhere, join(review, 'a link to a folder'))
  symlinkSync('/nowhere', join(review, 'a link to nothing'))
  writeFileSync(join(review, 'a file'), text)
  const planted: Readonly<Record<string, (folder: string, requestId: string) => void>> = {
    'a link to a file': (folder) => {
      symlinkSync(join(review, id, 'held.json'), join(folder, 'held.json'))
    },
    'a pipe': (folder) => spawnSync('mkfifo', [join(folder, 'held.json')]),
    'a folder for a file': (folder) => {
      mkdirSync(join(folder, 'held.json'))
    },
    'a file others may write': (folder, requestId) => {
      write(folder, { requestId }, 0o666)
    },
    'a folder others may write': (folder, requestId) => {
      write(folder, { requestId })
      chmodSync(folder, 0o777)
    },
    'no JSON': (folder) => {
      writeFileSync(join(folder, 'held.json'), text.slice(0, 100))
    },
    'no record': (folder, requestId) => {
      write(folder, { requestId, record: null })
    },
    'a project elsewhere': (folder, requestId) => {
      write(folder, { requestId, project: '../../elsewhere' })
    },
    ...(process.getuid?.() === 0
      ? {
          'a file of another user': (folder: string, requestId: string) => {
            write(folder, { requestId })
            chownSync(join(folder, 'held.json'), 65534, 65534)
          },
        }
      : {}),
  }
  for (const [what, plant] of Object.entries(planted)) {
    mkdirSync(join(review, what), { mode: 0o700 })
    plant(join(review, what), what)
  }
  const before = filesUnder(site.root)
  for (const name of readdirSync(review).filter((each) => each !== id)) {
    t.same(await decide(site, name), ['E_REVIEW', 'E_REVIEW'], name)
  }
  t.same(filesUnder(site.root), before)
  t.same(filesUnder(site.out), [])
})

t.test('a study is not held where a link leads elsewhere', async (t) => {
  const site = await withHeld()
  const { id, review } = site
  const elsewhere = join(site.root, 'elsewhere')
  renameSync(join(review, id), elsewhere)
  symlinkSync(elsewhere, join(review, id))
  const before = filesUnder(site.root)
  await t.rejects(deidentifierAt(site).record(archived(site, [burnedIn])), { code: 'E_REVIEW' })
  t.same(filesUnder(site.out), [])
  t.same(filesUnder(site.root), before)
})
