import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { InflatedParts } from '../../src/lib/intake/inflated-parts.ts'
import { ArchiveWriter } from '../../src/lib/storage/index.ts'
import { ctElements, dicomFile, syntax } from '../fixtures/dicom-writer.ts'

const deflated = dicomFile({ elements: ctElements(), transferSyntax: syntax.deflated })

t.test('of a deflated data set there is a part to be read, of another none', async (t) => {
  const writer = new ArchiveWriter({ dataDir: t.testdir(), durability: 'none' })
  const inflated = new InflatedParts(() => writer.begin())
  const parts = await Promise.all([writer.begin(), writer.begin(), writer.begin()])
  const [first, second, plain] = parts
  for (const part of [first, second]) writeFileSync(part.path, deflated)
  writeFileSync(plain.path, dicomFile({ elements: ctElements() }))
  t.equal(await inflated.of(plain, 'it', undefined), undefined)
  const found = await Promise.all([first, second].map((part) => inflated.of(part, 'it', deflated)))
  const expected = DicomFile.fromBuffer(deflated).dataSet.elements.map(({ tag }) => tag)
  for (const [n, into] of found.entries()) {
    if (into === undefined) throw new Error('nothing was inflated')
    using file = DicomFile.fromDescriptor((parts[n] ?? plain).fd, 'it', { inflated: into.fd })
    const tags = file.dataSet.elements.map(({ tag }) => tag)
    t.same(tags, expected)
    t.ok(readFileSync(into.path).length > 0)
    await into.discard()
  }
  for (const part of parts) await part.discard()
})

t.test('what cannot be inflated leaves nothing behind and keeps nobody up', async (t) => {
  const writer = new ArchiveWriter({ dataDir: t.testdir(), durability: 'none' })
  const inflated = new InflatedParts(() => writer.begin())
  const [damaged, whole] = await Promise.all([writer.begin(), writer.begin()])
  writeFileSync(damaged.path, Buffer.concat([deflated.subarray(0, -40), Buffer.alloc(40, 0xff)]))
  writeFileSync(whole.path, deflated)
  const folder = dirname(whole.path)
  const before = readdirSync(folder).sort()
  const [refused, taken] = await Promise.allSettled([
    inflated.of(damaged, 'it', undefined),
    inflated.of(whole, 'it', undefined),
  ])
  t.match(refused, { status: 'rejected', reason: { code: 'E_DICOM_PARSE' } })
  t.equal(taken.status, 'fulfilled')
  if (taken.status === 'fulfilled') await taken.value?.discard()
  t.same(readdirSync(folder).sort(), before)
})
