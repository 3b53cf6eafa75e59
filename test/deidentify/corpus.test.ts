import { readFileSync } from 'node:fs'
import t from 'tap'
import { missing } from '../fixtures/peers.ts'
import { deidentify } from './deidentified.ts'
import { cleanable } from './corpus/cleanable.ts'
import { secretsIn, secretsInTexts, textsWithPydicom } from './corpus/find-leaks.ts'
import { secrets } from './corpus/specimen.ts'
import { uncleanable } from './corpus/uncleanable.ts'

const outputs: string[] = []

for (const [name, object] of Object.entries(cleanable)) {
  t.test(`${name}: goes out, without anything of the person`, async (t) => {
    const { record, files } = await deidentify([object])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
    t.equal(files.length, 1)
    const planted = secretsIn(object, secrets)
    t.ok(planted.length > 0, 'it was there')
    for (const path of files) t.same(secretsIn(readFileSync(path), secrets), [])
    t.same(secretsIn(Buffer.from(JSON.stringify(record) + files.join()), secrets), [])
    outputs.push(...files)
  })
}

t.test(
  'pydicom reads each of them, and nothing of the person',
  { skip: missing('dcmdump') },
  (t) => {
    const names = Object.keys(cleanable)
    t.equal(outputs.length, names.length)
    textsWithPydicom(outputs).forEach((texts, at) => {
      const name = String(names[at])
      t.ok(texts !== undefined && texts.length > 10, name)
      t.same(secretsInTexts(texts ?? [], secrets), [], name)
    })
    t.end()
  },
)

for (const [name, object] of Object.entries(uncleanable)) {
  t.test(`${name}: holds the study`, async (t) => {
    const { record, files } = await deidentify([object])
    t.equal(record.type, 'held')
    t.same(files, [])
    t.same(secretsIn(Buffer.from(JSON.stringify(record)), secrets), [])
  })
}
