import { writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { missing } from '../fixtures/peers.ts'
import { deidentify, filesUnder, reasonsOf } from './deidentified.ts'
import { forbidden, found, foundIn, person, pydicomDump, removed } from './planted.ts'

for (const [where, object] of Object.entries(removed)) {
  t.test(`identity in ${where} does not go out`, async (t) => {
    const { record, site, files } = await deidentify([object])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
    t.equal(files.length, 1)
    for (const path of files) t.same(foundIn(path), [])
    const written = JSON.stringify(record) + files.join('')
    t.notOk(forbidden.some(({ bytes }) => written.includes(bytes.toString())))
    // The planted values are really in the input, or this test would prove nothing.
    const input = join(site.root, 'input.dcm')
    writeFileSync(input, object)
    t.ok(foundIn(input).length >= 8)
  })
}

for (const [where, object] of Object.entries(found)) {
  t.test(`${where} holds the study`, async (t) => {
    const { record, files } = await deidentify([object])
    t.equal(record.type, 'held')
    t.same(reasonsOf(record), ['identity-found'])
    t.same(files, [])
    const text = JSON.stringify(record).toLowerCase()
    t.notOk(forbidden.some(({ bytes }) => text.includes(bytes.toString().toLowerCase())))
  })
}

t.test(
  'another reader sees nothing of it, and reads all',
  { skip: missing('dcmdump') },
  async (t) => {
    const paths = []
    for (const object of Object.values(removed)) paths.push(...(await deidentify([object])).files)
    const dump = pydicomDump(paths)
    for (const word of [
      person.family,
      person.given,
      person.id,
      person.birthDate,
      'PLANTED',
      'Odulphus',
    ]) {
      t.notOk(dump.toLowerCase().includes(word.toLowerCase()), word)
    }
    t.equal(dump.match(/PREAMBLE True/g)?.length, paths.length)
    t.equal(dump.match(/Patient Identity Removed +CS: 'YES'/g)?.length, paths.length)
    for (const path of paths) t.equal(spawnSync('dcmdump', ['-q', path]).status, 0)
  },
)

t.test('what is held lies on the clinical side, for its owner alone', async (t) => {
  const object = Object.values(found)[0]
  if (object === undefined) throw new Error('no object')
  const { record, site } = await deidentify([object])
  const folder = join(site.dataDir, 'default', 'review', String(record['requestId']))
  const names = filesUnder(folder).map((path) => path.slice(folder.length + 1).split('/')[0])
  t.same([...new Set(names)].sort(), ['held.json', 'objects'])
})
