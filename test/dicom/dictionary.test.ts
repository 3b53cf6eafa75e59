import { spawnSync } from 'node:child_process'
import t from 'tap'
import {
  formatTag,
  isPrivate,
  isPrivateCreator,
  keywordOf,
  osLevelOf,
  seriesFields,
  tagOf,
  vrOf,
} from '../../src/lib/dicom/index.ts'
import { pydicomSamples } from '../fixtures/peers.ts'

t.test('keyword, tag and VR lead to each other', async (t) => {
  t.equal(tagOf('PatientName'), 0x00100010)
  t.equal(keywordOf(0x00100010), 'PatientName')
  t.equal(vrOf(0x00100010), 'PN')
  t.equal(tagOf('NoSuchThing'), undefined)
  t.equal(keywordOf(0x00091010), undefined)
})

t.test('VRs that depend on another attribute are settled', async (t) => {
  t.equal(vrOf(0x00280106), 'US')
  t.equal(vrOf(0x00280106, true), 'SS')
  t.equal(vrOf(0x7fe00010), 'OW')
})

t.test('repeating groups, group lengths and private creators follow their rules', async (t) => {
  t.equal(keywordOf(0x60023000), 'OverlayData')
  t.equal(vrOf(0x60160010), vrOf(0x60000010))
  t.equal(vrOf(0x60013000), undefined)
  t.equal(vrOf(0x00090000), 'UL')
  t.equal(vrOf(0x00090010), 'LO')
  t.equal(vrOf(0x00091010), undefined)
  t.equal(isPrivate(0x00091010), true)
  t.equal(isPrivate(0x00101010), false)
  t.equal(isPrivateCreator(0x000900ff), true)
  t.equal(isPrivateCreator(0x00090100), false)
  t.equal(formatTag(0x7fe00010), '(7FE0,0010)')
})

t.test("the original's series fields each have a tag", async (t) => {
  for (const [name, tag] of seriesFields()) t.ok(tag > 0, name)
  t.equal(osLevelOf('27\\LX\\release:27.0_R03'), '27.0_R03')
  t.equal(osLevelOf('syngo MR E11 N4_VE11C'), 'VE11C')
  t.equal(osLevelOf('other'), undefined)
})

t.test(
  "the dictionary agrees with pydicom's",
  { skip: pydicomSamples().length === 0 ? 'pydicom not installed' : false },
  async (t) => {
    const script =
      'import json; from pydicom.datadict import DicomDictionary as d; ' +
      'print(json.dumps([[tag, e[0], e[4]] for tag, e in d.items()]))'
    const done = spawnSync('/usr/bin/python3', ['-c', script], { encoding: 'utf8' })
    const entries = JSON.parse(done.stdout) as [tag: number, vr: string, keyword: string][]
    t.ok(entries.length > 4000)
    const different = entries.filter(([tag, vr, keyword]) => {
      // Delimiters of items are no elements; where VRs differ by edition ours is the newer one.
      if (keyword === '' || tag >>> 16 === 0xfffe || keywordOf(tag) === undefined) return false
      return keywordOf(tag) !== keyword || !vr.includes(vrOf(tag) ?? '')
    })
    t.same(different, [])
    const unknown = entries.filter(
      ([tag, , keyword]) => keyword !== '' && tag >>> 16 !== 0xfffe && keywordOf(tag) === undefined,
    )
    t.same(unknown, [])
  },
)
