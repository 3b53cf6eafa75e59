import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { readKeyFile } from '../../src/lib/crosswalk/index.ts'
import { Pseudonyms } from '../../src/lib/deidentify/index.ts'
import { ctImage, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import {
  archived,
  bytesOf,
  deidentifierAt,
  deidentify,
  filesUnder,
  key,
  newSite,
} from './deidentified.ts'

const uidText = fc
  .array(fc.integer({ min: 0, max: 99_999_999 }), { minLength: 2, maxLength: 6 })
  .map((numbers) => numbers.join('.'))

t.test('new UIDs are valid, whatever the root, and padding does not matter', (t) => {
  const root = '1.2.826.0.1.3680043.8.49'
  t.equal(root.length, 24)
  const own = new Pseudonyms(key, 'P', root)
  const plain = new Pseudonyms(key, 'P')
  fc.assert(
    fc.property(uidText, fc.constantFrom('', '\0', ' ', '\0\0', '  '), (uid, padding) => {
      for (const [pseudonyms, prefix] of [
        [own, `${root}.`],
        [plain, '2.25.'],
      ] as const) {
        const made = pseudonyms.uid(uid + padding)
        if (!made.startsWith(prefix) || made.length > 64) return false
        if (!/^(0|[1-9]\d*)$/.test(made.slice(prefix.length))) return false
        if (made !== pseudonyms.uid(uid)) return false
      }
      return true
    }),
  )
  t.end()
})

t.test('another key or project gives another UID', (t) => {
  const uids = [
    new Pseudonyms(key, 'A'),
    new Pseudonyms(key, 'B'),
    new Pseudonyms(Buffer.alloc(32, 7), 'A'),
  ].map((pseudonyms) => pseudonyms.uid('1.2.3'))
  t.equal(new Set(uids).size, 3)
  t.equal(new Pseudonyms(key, 'A').uid('1.2.3'), uids[0])
  t.end()
})

t.test('the standard keeps its own UIDs, and nobody hides a date among them', (t) => {
  const pseudonyms = new Pseudonyms(key, 'A')
  for (const uid of [
    '1.2.840.10008.1.2.1',
    '1.2.840.10008.5.1.4.1.1.481.23',
    '1.2.840.10008.1.4.1.1',
  ]) {
    t.equal(pseudonyms.uid(uid), uid)
  }
  t.match(pseudonyms.uid('1.2.840.10008.19700101.1'), /^2\.25\./)
  t.match(pseudonyms.uid('1.2.840.100081.1'), /^2\.25\./)
  t.end()
})

t.test('a pseudonym is short, legible, of the patient and not of the study', (t) => {
  const pseudonyms = new Pseudonyms(key, 'A')
  const of = pseudonyms.participant('patient', 'EX-1', '')
  t.match(of, /^[0-9A-HJKMNP-TV-Z]{12}$/)
  t.not(of, pseudonyms.participant('patient', 'EX-1', 'HOSPITAL'))
  t.not(pseudonyms.participant('ab', 'c'), pseudonyms.participant('a', 'bc'))
  t.match(pseudonyms.requestId('2.25.1', of, ''), /^[0-9A-Z]{20}$/)
  t.end()
})

t.test('references follow across files, runs and paddings', async (t) => {
  const odd = '2.25.123456789'
  const frame = '2.25.1001.9'
  const first = ctImage({
    instanceNumber: 1,
    sopUID: odd,
    elements: [el(0x00200052, 'UI', Buffer.from(`${frame} `))],
  })
  const second = ctImage({
    instanceNumber: 2,
    transferSyntax: syntax.implicit,
    elements: [
      sq(0x00081140, [
        [
          el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
          el(0x00081155, 'UI', Buffer.from(`${odd} \0\0`)),
        ],
      ]),
    ],
  })
  const { files } = await deidentify([first, second])
  const seen = files.map((path) => {
    using file = DicomFile.open(path)
    const { dataSet } = file
    const [item] = dataSet.get(0x00081140)?.items ?? []
    return {
      sop: file.string(dataSet, 0x00080018),
      study: file.string(dataSet, 0x0020000d),
      frame: file.string(dataSet, 0x00200052),
      reference: item === undefined ? undefined : file.string(item, 0x00081155),
    }
  })
  const referring = seen.find(({ reference }) => reference !== undefined)
  t.ok(seen.some(({ sop }) => sop === referring?.reference))
  t.equal(seen[0]?.study, seen[1]?.study)
  t.equal(seen[0]?.frame, seen[1]?.frame)
})

t.test('the same input and key give the same bytes, in any order', async (t) => {
  const objects = [1, 2, 3].map((instanceNumber) => ctImage({ instanceNumber }))
  const one = await deidentify(objects)
  const other = await deidentify([...objects].reverse())
  const names = ({ files, site }: typeof one) => files.map((path) => path.slice(site.out.length))
  t.same(names(one), names(other))
  t.same(bytesOf(one.files), bytesOf(other.files))
  const foreign = await deidentify(objects, { keyOf: () => Buffer.alloc(32, 1) })
  t.notOk(names(foreign).some((name) => names(one).includes(name)))
})

t.test('without a participant it is of the patient, in all of its studies', async (t) => {
  const participants: unknown[] = []
  for (const [studyUID, patient] of [
    ['2.25.1001', 'EX-0001'],
    ['2.25.1002', 'EX-0001'],
    ['2.25.1003', 'EX-0002'],
    ['2.25.1004', ''],
    ['2.25.1005', ''],
  ] as const) {
    const { record } = await deidentify(
      [ctImage({ studyUID, elements: [el(0x00100020, 'LO', patient)] })],
      { participant: undefined },
      { StudyInstanceUID: studyUID },
    )
    participants.push(record['participant'])
  }
  t.equal(participants[0], participants[1])
  t.equal(new Set(participants).size, 4)
})

t.test('a later revision makes the new objects only', async (t) => {
  const site = newSite()
  const deidentifier = deidentifierAt(site)
  const objects = [1, 2].map((instanceNumber) => ctImage({ instanceNumber }))
  const before = await deidentifier.record(archived(site, objects))
  const times = filesUnder(site.out).map((path) => statOf(path))
  objects.push(ctImage({ instanceNumber: 3 }))
  const after = await deidentifier.record(archived(site, objects, { revision: 2 }))
  t.match(after, {
    instances: 3,
    revision: 2,
    requestId: (before as { requestId: string }).requestId,
  })
  const now = filesUnder(site.out).map((path) => statOf(path))
  t.equal(now.length, 3)
  for (const time of times) t.ok(now.includes(time), 'it is the same file as before')
  const again = await deidentifier.record(archived(site, objects, { revision: 2 }))
  t.match(again, { instances: 3 })
  t.same(
    filesUnder(site.out).map((path) => statOf(path)),
    now,
  )
})

/** Which file it is, not only what is in it. */
function statOf(path: string): string {
  const { ino, size } = statSync(path)
  return `${String(size)} ${String(ino)}`
}

t.test('a leak that is known only later takes the earlier revision out again', async (t) => {
  const site = newSite()
  const deidentifier = deidentifierAt(site)
  const objects = [ctImage({ instanceNumber: 1, elements: [el(0x00181020, 'LO', 'Wildschut 3')] })]
  t.match(await deidentifier.record(archived(site, objects)), { type: 'deidentified' })
  objects.push(ctImage({ instanceNumber: 2, elements: [el(0x00081070, 'PN', 'Wildschut^Otto')] }))
  const held = await deidentifier.record(archived(site, objects, { revision: 2 }))
  t.match(held, { type: 'held', reasons: [{ code: 'identity-found' }] })
  t.same(filesUnder(site.out), [])
})

t.test('a key file is taken when it is a secret', async (t) => {
  const folder = newSite().root
  const path = join(folder, 'key')
  await t.rejects(readKeyFile(path), { code: 'E_KEY_MISSING', exitCode: 78, hint: /urandom/ })
  writeFileSync(path, Buffer.alloc(31), { mode: 0o600 })
  await t.rejects(readKeyFile(path), { code: 'E_KEY_INVALID', exitCode: 78 })
  writeFileSync(path, key)
  for (const mode of [0o640, 0o604, 0o620, 0o644]) {
    chmodSync(path, mode)
    await t.rejects(readKeyFile(path), { code: 'E_KEY_MODE', exitCode: 77, hint: /chmod 600/ })
  }
  chmodSync(path, 0o600)
  t.ok((await readKeyFile(path)).equals(readFileSync(path)))
  await t.rejects(readKeyFile(folder), { code: 'E_KEY_INVALID' })
})
