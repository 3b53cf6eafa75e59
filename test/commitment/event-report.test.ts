import t from 'tap'
import { encodeEventReport, eventTypeOf } from '../../src/lib/commitment/event-report.ts'
import { Outcome } from '../../src/lib/commitment/outcome.ts'
import { ReferenceList } from '../../src/lib/commitment/reference-list.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { syntax } from '../fixtures/dicom-writer.ts'

const one = { SOPClassUID: '1.2.3', SOPInstanceUID: '2.25.1' }
const other = { SOPClassUID: '1.2.34', SOPInstanceUID: '2.25.12' }

async function blocksOf(...report: Parameters<typeof encodeEventReport>): Promise<Buffer[]> {
  const blocks: Buffer[] = []
  for await (const block of encodeEventReport(...report)) blocks.push(block)
  return blocks
}

t.test('a report says the same in every transfer syntax', async (t) => {
  const outcome = new Outcome(ReferenceList.from([one, other]))
  outcome.commit(0)
  outcome.fail(1, 0x0119)
  t.equal(eventTypeOf(outcome), 2)
  for (const transferSyntax of [
    syntax.implicit,
    syntax.explicit,
    syntax.bigEndian,
    syntax.deflated,
  ]) {
    const bytes = Buffer.concat(await blocksOf('2.25.9', outcome, transferSyntax))
    t.equal(bytes.length % 2, 0)
    using file = DicomFile.fromDataSet(bytes, transferSyntax)
    t.equal(file.string(file.dataSet, 0x00081195), '2.25.9', transferSyntax)
    const [committed, ...more] = file.dataSet.get(0x00081199)?.items ?? []
    const [failed, ...others] = file.dataSet.get(0x00081198)?.items ?? []
    if (committed === undefined || failed === undefined) throw new Error('a sequence is missing')
    t.same([more, others], [[], []])
    t.equal(file.string(committed, 0x00081150), '1.2.3')
    t.equal(file.string(committed, 0x00081155), '2.25.1')
    t.equal(file.string(failed, 0x00081155), '2.25.12')
    t.same(file.numbers(failed, 0x00081197), [0x0119])
    t.equal(file.string(committed, 0x00081197), undefined)
  }
})

t.test('a sequence without items is left out', async (t) => {
  const all = new Outcome(ReferenceList.from([one, other]))
  all.commit(0)
  all.commit(1)
  t.equal(eventTypeOf(all), 1)
  using whole = DicomFile.fromDataSet(
    Buffer.concat(await blocksOf('1', all, syntax.explicit)),
    syntax.explicit,
  )
  t.equal(whole.dataSet.get(0x00081198), undefined)
  t.equal(whole.dataSet.get(0x00081199)?.items?.length, 2)
  const none = new Outcome(ReferenceList.from([one]))
  t.equal(eventTypeOf(none), 2)
  using empty = DicomFile.fromDataSet(
    Buffer.concat(await blocksOf('1', none, syntax.explicit)),
    syntax.explicit,
  )
  t.equal(empty.dataSet.get(0x00081199), undefined)
})

t.test('a long report comes in blocks of even length, each object once', async (t) => {
  const references = Array.from({ length: 3000 }, (_, n) => ({
    SOPClassUID: '1.2.3',
    SOPInstanceUID: `2.25.${String(n)}`,
  }))
  const outcome = new Outcome(ReferenceList.from(references))
  for (let at = 0; at < 3000; at += 3) outcome.commit(at)
  const blocks = await blocksOf('1', outcome, syntax.implicit)
  t.ok(blocks.length > 2)
  t.ok(blocks.every(({ length }) => length % 2 === 0))
  using file = DicomFile.fromDataSet(Buffer.concat(blocks), syntax.implicit)
  const named = (tag: number): string[] =>
    (file.dataSet.get(tag)?.items ?? []).map((item) => file.string(item, 0x00081155) ?? '')
  const all = references.map(({ SOPInstanceUID }) => SOPInstanceUID)
  t.same(
    named(0x00081199),
    all.filter((_, at) => at % 3 === 0),
  )
  t.same(
    named(0x00081198),
    all.filter((_, at) => at % 3 !== 0),
  )
  t.same([...outcome.failures], [[0x0112, 2000]])
})
