import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { deidentify, reasonsOf } from './deidentified.ts'
import { profileOf } from './with-profile.ts'

/** Each says much that the one before says, and some of it anew. */
function objects(of: (at: number) => readonly TestElement[], count = 30): Buffer[] {
  return Array.from({ length: count }, (_, at) =>
    ctImage({ instanceNumber: at + 1, sopUID: `2.25.5000${String(at)}`, elements: of(at) }),
  )
}

type Options = Parameters<typeof deidentify>[1]

/** By the names of their files, and how often what was done. */
async function made(study: readonly Buffer[], options?: Options) {
  const { record, files } = await deidentify(study, options)
  const removed = (record['removed'] ?? {}) as Readonly<Record<string, number>>
  return {
    record,
    removed,
    files: files.map((path) => [basename(path), readFileSync(path)] as const),
  }
}

async function isTheSameAlone(t: Tap, study: readonly Buffer[], options?: Options) {
  const together = await made(study, options)
  const counts: Record<string, number> = {}
  const alone = new Map<string, Buffer>()
  for (const object of study) {
    const { removed, files } = await made([object], options)
    for (const [what, count] of Object.entries(removed)) counts[what] = (counts[what] ?? 0) + count
    for (const [name, bytes] of files) alone.set(name, bytes)
  }
  t.equal(together.files.length, study.length)
  for (const [name, bytes] of together.files) t.ok(alone.get(name)?.equals(bytes), name)
  t.same(together.removed, counts)
}
type Tap = Pick<typeof t, 'equal' | 'ok' | 'same'>

t.test('an object becomes the same, whatever the objects before it said', async (t) => {
  const study = objects((at) => [
    // The same in some of them, and then another.
    el(0x00080031, 'TM', `1000${String(10 + Math.floor(at / 4))}`),
    el(0x00081090, 'LO', `Model ${String(at % 2)}`),
    el(0x00080070, 'LO', at % 3 === 0 ? 'Zwartkops GmbH' : ''),
    el(0x00200052, 'UI', `2.25.77${String(Math.floor(at / 10))}`),
    // Not what the VR says, of every other one.
    el(0x00180050, 'DS', at % 2 === 0 ? '5.0' : 'five'),
    el(0x00180022, at % 5 === 0 ? 'LO' : 'CS', 'HELIX'),
    sq(0x00081110, [[el(0x00081155, 'UI', `2.25.66${String(at % 4)}`)]]),
    el(0x00200013, 'IS', String(at + 1)),
  ])
  await isTheSameAlone(t, study)
})

t.test(
  'a text that was cleaned by the names of one object is cleaned anew in the next',
  async (t) => {
    // Words that are harmless in one object are somebody's name in another.
    const study = objects((at) => [
      el(0x0008103e, 'LO', 'chest axial head'),
      el(0x00080090, 'PN', at % 2 === 0 ? 'Axial^Odulphus' : 'Somebody^Else'),
    ])
    const profile = await profileOf('base: basic\noptions: [cleanDescriptors]\n')
    await isTheSameAlone(t, study, { profileOf: () => profile })
  },
)

t.test('the same mistake in each object is a reason for each', async (t) => {
  const { record } = await made(objects(() => [el(0x00080005, 'CS', 'ISO_IR 999')], 12))
  t.ok(reasonsOf(record).includes('unknown-character-set'))
  const reasons = record['reasons'] as readonly { code: string; count: number }[]
  t.equal(reasons.find(({ code }) => code === 'unknown-character-set')?.count, 12)
})
