import t from 'tap'
import { encodeEventReport, eventTypeOf } from '../../src/lib/commitment/event-report.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { syntax } from '../fixtures/dicom-writer.ts'

const one = { SOPClassUID: '1.2.3', SOPInstanceUID: '2.25.1' }
const other = { SOPClassUID: '1.2.34', SOPInstanceUID: '2.25.12' }

t.test('a report says the same in every transfer syntax', async (t) => {
  const outcome = { committed: [one], failed: [{ ...other, reason: 0x0119 as const }] }
  t.equal(eventTypeOf(outcome), 2)
  for (const transferSyntax of [
    syntax.implicit,
    syntax.explicit,
    syntax.bigEndian,
    syntax.deflated,
  ]) {
    const bytes = await encodeEventReport('2.25.9', outcome, transferSyntax)
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
  const all = { committed: [one, other], failed: [] }
  t.equal(eventTypeOf(all), 1)
  using whole = DicomFile.fromDataSet(
    await encodeEventReport('1', all, syntax.explicit),
    syntax.explicit,
  )
  t.equal(whole.dataSet.get(0x00081198), undefined)
  t.equal(whole.dataSet.get(0x00081199)?.items?.length, 2)
  const none = { committed: [], failed: [{ ...one, reason: 0x0112 as const }] }
  t.equal(eventTypeOf(none), 2)
  using empty = DicomFile.fromDataSet(
    await encodeEventReport('1', none, syntax.explicit),
    syntax.explicit,
  )
  t.equal(empty.dataSet.get(0x00081199), undefined)
})
