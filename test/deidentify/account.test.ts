import t from 'tap'
import { type Account, requireComplete } from '../../src/lib/deidentify/study/account.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { archived, deidentifierAt, deidentify, newSite } from './deidentified.ts'

const whole: Account = {
  received: 10,
  made: 6,
  duplicates: 1,
  excluded: { 'modality PR': 2, 'classifyType X': 1 },
  unmade: 0,
  missing: 3,
  earlier: 4,
  searched: 10,
}

t.test('nothing is published that does not add up', (t) => {
  requireComplete(whole)
  const wrong: readonly Partial<Account>[] = [
    { received: 11 },
    { received: 9 },
    { made: 5 },
    { made: 7 },
    { duplicates: 0 },
    { excluded: {} },
    { unmade: 1 },
    { unmade: 1, received: 11 },
    { earlier: 5 },
    { searched: 9 },
  ]
  for (const change of wrong) {
    t.throws(
      () => requireComplete({ ...whole, ...change }),
      { code: 'E_INCOMPLETE' },
      JSON.stringify(change),
    )
  }
  t.end()
})

t.test(
  'a held study says how many objects it is about, and which are left out or missing',
  async (t) => {
    const burnedIn = ctImage({ instanceNumber: 2, elements: [el(0x00280301, 'CS', 'YES')] })
    const series = [{ SeriesInstanceUID: '2.25.1001.1', instances: 5 }]
    const { record } = await deidentify(
      [ctImage(), burnedIn, Buffer.from('no DICOM')],
      {},
      { series },
    )
    t.match(record, { type: 'held', received: 3, missing: 2 })
  },
)

t.test('a later revision says which objects are of earlier ones', async (t) => {
  const site = newSite()
  await deidentifierAt(site).record(
    archived(
      site,
      [1, 2].map((instanceNumber) => ctImage({ instanceNumber })),
    ),
  )
  const study = archived(site, [ctImage({ instanceNumber: 3 })], { revision: 2 })
  const files = ['2.25.1.dcm'].map(
    (name) => `${site.dataDir}/default/archive/2.25.1001/2.25.1001.1/${name}`,
  )
  const later = {
    ...study,
    path: null,
    series: [{ SeriesInstanceUID: '2.25.1001.1', instances: 1, files }],
  }
  t.match(await deidentifierAt(site).record(later), {
    received: 1,
    instances: 3,
    earlier: 2,
    verified: { objects: 3 },
  })
})
