import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { exclusionOf } from '../../src/lib/deidentify/index.ts'
import { adviceFor, reasonCodes } from '../../src/lib/deidentify/review/reason-advice.ts'
import { JournalWriter, locateJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord, ReportRecord } from '../../src/lib/record/index.ts'
import { explanationOf } from '../../src/lib/report/explanations.ts'
import { pageOf, readAccounts, writeReport } from '../../src/lib/report/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { type Site, archived, deidentifierAt, newSite } from '../deidentify/deidentified.ts'
import { forbidden, ofPerson, removed } from '../deidentify/planted.ts'
import { examples } from '../record/examples.ts'

const asked = { project: undefined, since: undefined, time: '2026-01-02T03:04:05.678Z' }
const deidentified = examples['deidentified'] as unknown as AnyRecord

async function journaled(site: Site, records: readonly AnyRecord[]): Promise<void> {
  const writer = await JournalWriter.open(locateJournal(site.dataDir, 'outbox'), { writer: 'test' })
  for (const record of records) await writer.append(record)
  await writer.close()
}

async function pageAt(site: Site): Promise<string> {
  return [...pageOf(await readAccounts(site.dataDir, {}), asked)].join('')
}

async function written(
  site: Site,
  options: Partial<Parameters<typeof writeReport>[1]>,
): Promise<string> {
  const parts: Buffer[] = []
  await writeReport(site.dataDir, {
    ...{
      format: 'json',
      project: undefined,
      since: undefined,
      signal: new AbortController().signal,
    },
    write: (bytes) => Promise.resolve(void parts.push(bytes)),
    ...options,
  })
  return Buffer.concat(parts).toString()
}

t.test(
  'a report tells where every object is, by which rules, and nothing of the patient',
  async (t) => {
    const site = newSite()
    const objects = [
      ...Object.values(removed).slice(0, 5),
      ofPerson({ instanceNumber: 77, elements: [el(0x00080060, 'CS', 'PR')] }),
    ]
    // Several objects have the number 1: each gets one of its own.
    const distinct = objects.map((_, at) =>
      at === objects.length - 1
        ? (objects[at] ?? Buffer.alloc(0))
        : ofPerson({ instanceNumber: at + 1 }),
    )
    const exclusion = exclusionOf([{ modality: 'PR' }])
    const study = archived(site, [...distinct, ofPerson({ instanceNumber: 1 })])
    const record = await deidentifierAt(site, { exclusionOf: () => exclusion }).record(study)
    t.match(record, {
      type: 'deidentified',
      received: 7,
      instances: 5,
      duplicates: 1,
      excluded: { 'modality PR': 1 },
      verified: { objects: 5 },
    })
    await journaled(site, [record as AnyRecord])
    const json = await written(site, {})
    t.match(JSON.parse(json), {
      type: 'report',
      instances: 5,
      received: 7,
      elements: { removed: Number },
    })
    const page = await pageAt(site)
    t.match(page, /5 delivered.*of 7 received.*1 was there twice.*1 left out: modality PR/s)
    for (const { what, bytes } of forbidden) {
      t.notOk(Buffer.from(page + json + JSON.stringify(record)).includes(bytes), what)
    }
    t.notMatch(page, site.root, 'no path')
  },
)

const mask = { rule: 'room 3', objects: 38, rows: 768, columns: 1024, regions: [[0, 0, 1024, 60]] }

t.test('which parts of pictures are blank is told, and how much that is', async (t) => {
  const site = newSite()
  const pixels = { masked: 40, regions: 41, searched: 2, defaced: 7, unlisted: 1 }
  const tiny = { ...mask, rule: 'pixels.ocr', objects: 1, regions: [[5, 6, 7, 8]] }
  await journaled(site, [
    { ...deidentified, pixels: { ...pixels, masks: [mask, tiny] } },
    { ...deidentified, requestId: 'untouched', pixels: undefined },
  ])
  const page = (await pageAt(site)).replaceAll('\u00a0', ' ')
  t.match(page, '<strong>40 masked</strong>')
  t.match(page, '38 by room 3: 1024 × 60 at 0, 0 (of 1024 × 768, 8 % of it)')
  t.match(page, '1 by pixels.ocr: 7 × 8 at 5, 6 (of 1024 × 768, less than 1 % of it)')
  t.match(page, /1 of them in other places.*2 searched for text.*7 had faces removed/)
  t.match(page, '>as they were<')
  const [first] = (await written(site, {})).trim().split('\n')
  t.match(JSON.parse(first ?? ''), { pixels: { masked: 40, masks: [mask, tiny] } })
})

t.test('the page can be read aloud: language, titles, and what each cell belongs to', async (t) => {
  const site = newSite()
  await journaled(site, [deidentified, { ...deidentified, project: 'B' }])
  const page = await pageAt(site)
  t.match(page, '<html lang="en">')
  t.equal(page.match(/<h1>/g)?.length, 1)
  const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id = '']) => id)
  t.same(ids, [...new Set(ids)], 'each is there once')
  for (const [, id = ''] of page.matchAll(/aria-labelledby="([^"]+)"/g)) t.ok(ids.includes(id), id)
  t.equal(page.match(/<table /g)?.length, page.match(/<caption>/g)?.length)
  for (const [head] of page.matchAll(/<th[ >][^>]*>/g)) t.match(head, /scope="(col|row)"/)
  const heads = page.match(/scope="col"/g)?.length ?? 0
  const cells = page.match(/<td /g)?.length ?? 0
  t.equal(cells, heads - 2, 'a row of each table has a cell for each column but the first')
  t.notMatch(page, /<(script|img|link|iframe|style[^>]+src)|url\(|@import/)
})

t.test('whatever a front door wrote into the journal, the page is a page', async (t) => {
  const site = newSite()
  const hostile = '"><script>alert(1)</script><img src=x onerror=y>&\'\u202e'
  await journaled(site, [
    {
      ...deidentified,
      ...{
        project: hostile,
        participant: hostile,
        event: hostile,
        profile: hostile,
        PatientName: 'Zwartkops',
      },
      ...{ profileDigest: hostile, removed: { [hostile]: 1, __proto__: 1, constructor: 2 } },
      excluded: { [hostile]: 1 },
      waived: [{ code: hostile, where: hostile, count: 1, PatientName: 'Zwartkops' }],
      pixels: {
        ...{ masked: 1, regions: 1, searched: 0, PatientName: 'Zwartkops' },
        masks: [{ ...mask, rule: hostile, PatientName: 'Zwartkops' }],
      },
    },
    { type: 'deidentified', participant: 17 },
    { type: 'instance', PatientName: 'Zwartkops' },
  ])
  const page = await pageAt(site)
  t.notMatch(page, /<script|<img|Zwartkops/)
  t.match(page, /2 lines of the journal are no valid records/)
  t.equal(page.match(/<tr /g)?.length, 2)
  t.notMatch(page, /\u202e/, 'nothing turns round what is beside it')
  t.notMatch(await written(site, {}), /Zwartkops/)
})

t.test('the latest revision counts, of the project and time that were asked for', async (t) => {
  const site = newSite()
  const at = (time: string, more: object = {}) => ({ ...deidentified, time, ...more })
  await journaled(site, [
    at('2026-01-02T00:00:00.000Z', { revision: 2, instances: 9 }),
    at('2026-01-01T00:00:00.000Z', { revision: 1, instances: 4 }),
    at('2026-03-01T00:00:00.000Z', { requestId: 'other', project: 'B', instances: 5 }),
  ])
  const { reports } = await readAccounts(site.dataDir, {})
  t.same(
    reports.map(({ instances }) => instances),
    [5, 9],
  )
  const one = await written(site, { project: 'default' })
  t.match(JSON.parse(one), { instances: 9, revision: 2 } satisfies Partial<ReportRecord>)
  t.match(JSON.parse(await written(site, { since: '2026-02' })), { project: 'B' })
  await t.rejects(written(site, { since: 'yesterday' }), { code: 'E_USAGE', exitCode: 64 })
  t.match(await pageAt(newSite()), /<dd>0<\/dd>/, 'nothing yet is no mistake')
  const html = await written(site, { format: 'html' })
  t.match(html, /^<!doctype html>/)
  t.match(html, /Content-Security-Policy" content="default-src 'none'/)
})

t.test('what was found and released all the same is not called clean', async (t) => {
  const site = newSite()
  const waived = [{ code: 'identity-found', where: '(0018,1020)', count: 2 }]
  await journaled(site, [{ ...deidentified, waived }])
  const page = await pageAt(site)
  t.notMatch(page, 'none found')
  t.match(page, /found: see review/)
})

t.test('text of a journal that is no JSON is counted', async (t) => {
  const site = newSite()
  await journaled(site, [deidentified])
  const folder = join(site.dataDir, 'journal/outbox')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(site.root, 'x'), ctImage())
  appendFileSync(join(folder, '00000000000000000099-x.ndjson'), 'no JSON\n')
  const { reports } = await readAccounts(site.dataDir, {})
  t.equal(reports.length, 1)
})

t.test('whatever somebody may let pass is explained to the reader of the report', (t) => {
  const passing = reasonCodes.filter((code) => adviceFor(code).release !== 'mend')
  t.ok(passing.length > 20)
  t.same(
    passing.filter((code) => explanationOf(code) === undefined),
    [],
  )
  t.end()
})
