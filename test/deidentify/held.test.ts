import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Crosswalk } from '../../src/lib/crosswalk/index.ts'
import { exclusionOf, policyOf } from '../../src/lib/deidentify/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { type CtImageOptions, ctImage, el, syntax } from '../fixtures/dicom-writer.ts'
import { missingPydicom } from '../fixtures/peers.ts'
import {
  archived,
  deidentifierAt,
  deidentify,
  filesUnder,
  key,
  newSite,
  reasonsOf,
} from './deidentified.ts'
import { foundIn, ofPerson } from './planted.ts'

const storage = '1.2.840.10008.5.1.4.1.1.'
const sopClass = (uid: string, ...more: NonNullable<CtImageOptions['elements']>) =>
  ctImage({ elements: [el(0x00080016, 'UI', uid), ...more] })
const says = (value: string) => el(0x00280301, 'CS', value)

const held: Readonly<Record<string, readonly [reason: string, object: Buffer]>> = {
  'BurnedInAnnotation YES': ['burned-in-annotation', ctImage({ elements: [says('YES')] })],
  'BurnedInAnnotation with something else': [
    'burned-in-annotation',
    ctImage({ elements: [says('MAYBE')] }),
  ],
  'a secondary capture that says nothing': ['screen-capture', sopClass(`${storage}7`)],
  'an ultrasound that says nothing': ['screen-capture', sopClass(`${storage}6.1`)],
  'an ultrasound clip that says nothing': ['screen-capture', sopClass(`${storage}3.1`)],
  'an endoscopic video': ['screen-capture', sopClass(`${storage}77.1.1.1`)],
  'a screen shot by ImageType': [
    'screen-capture',
    ctImage({ elements: [el(0x00080008, 'CS', ['DERIVED', 'SECONDARY', 'SCREEN SAVE'])] }),
  ],
  'a captured picture by ConversionType': [
    'screen-capture',
    ctImage({ elements: [el(0x00080064, 'CS', 'WSD')] }),
  ],
  'a screen shot by its description': [
    'screen-capture',
    ctImage({ elements: [el(0x0008103e, 'LO', 'Patient Protocol')] }),
  ],
  'a recognizable face': [
    'recognizable-visual-features',
    ctImage({ elements: [el(0x00280302, 'CS', 'YES')] }),
  ],
  'an overlay in the bits of the pixels': [
    'overlay-in-pixel-data',
    ctImage({ elements: [el(0x60000100, 'US', 16), el(0x60000102, 'US', 12)] }),
  ],
  'an encapsulated PDF': [
    'encapsulated-document',
    sopClass(`${storage}104.1`, el(0x00420011, 'OB', Buffer.from('%PDF'))),
  ],
  'an encapsulated CDA': ['encapsulated-document', sopClass(`${storage}104.2`)],
  'an encapsulated STL': ['encapsulated-document', sopClass(`${storage}104.3`)],
  'raw data': ['raw-data', sopClass(`${storage}66`)],
  'a recorded voice': ['voice', sopClass(`${storage}9.4.1`)],
  'a scanned surface': ['surface-scan', sopClass(`${storage}68.1`)],
  'a private class': ['unknown-sop-class', sopClass('1.3.12.2.1107.5.9.1')],
  'a class nobody knows': ['unknown-sop-class', sopClass(`${storage}9999`)],
  'a directory of a disk': ['unknown-sop-class', sopClass('1.2.840.10008.1.3.10')],
  'a file that ends early': ['unreadable-object', ctImage().subarray(0, 1100)],
  'a file that is no DICOM': ['unreadable-object', Buffer.from('PatientName: Zwartkops')],
  'an empty file': ['unreadable-object', Buffer.alloc(0)],
  'a deflated file that does not inflate': [
    'unreadable-object',
    Buffer.concat([ctImage({ transferSyntax: syntax.deflated }).subarray(0, 400), Buffer.alloc(9)]),
  ],
  'an object without a name of its own': [
    'unreadable-object',
    ctImage({ elements: [el(0x00080018, 'UI', '')] }),
  ],
  'an unknown transfer syntax': [
    'unknown-transfer-syntax',
    ctImage({ transferSyntax: '1.2.3.4.5' }),
  ],
  'pixels on another server': [
    'pixels-elsewhere',
    ctImage({ elements: [el(0x00287fe0, 'UR', 'http://pacs/zwartkops')] }),
  ],
  'a character set nobody knows': [
    'unknown-character-set',
    ctImage({ elements: [el(0x00080005, 'CS', 'ISO_IR 999')] }),
  ],
  'a sequence that cannot be read': [
    'unreadable-value',
    ctImage({ elements: [el(0x00082218, 'UN', Buffer.from('Zwartkops!'))] }),
  ],
  'an object of another study': ['foreign-object', ctImage({ studyUID: '2.25.4711' })],
}

for (const [what, [reason, object]] of Object.entries(held)) {
  t.test(`${what} holds the whole study`, async (t) => {
    const fine = ctImage({ instanceNumber: 7 })
    const { record, files } = await deidentify([fine, object])
    t.equal(record.type, 'held')
    t.ok(reasonsOf(record).includes(reason), JSON.stringify(record['reasons']))
    t.same(files, [], 'nothing of it is in the outbox')
    t.match(record['how'], /--release/)
    t.notMatch(JSON.stringify(record), /Zwartkops|2\.25\.1001|\.dcm/i)
  })
}

t.test('pictures that say they hold no text pass', async (t) => {
  for (const uid of [`${storage}7`, `${storage}6.1`, `${storage}7.2`]) {
    const { record } = await deidentify([sopClass(uid, says('NO'))])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
  }
})

t.test('what rules want looked at is held, whatever the object says', async (t) => {
  const objects = [ctImage({ elements: [says('NO')] })]
  const ofSeries = {
    series: [
      { SeriesInstanceUID: '2.25.1001.1', instances: 1, ClassifyType: ['CT', 'CHECKBURNEDINFO'] },
    ],
  }
  for (const more of [ofSeries, { ClassifyType: ['CHECKBURNEDINFO'] }]) {
    const { record } = await deidentify(objects, {}, more)
    t.same(reasonsOf(record), ['classified-check-burned-in'])
  }
})

t.test('what a request wants left out is left out, too', async (t) => {
  const screen = ctImage({ instanceNumber: 2, elements: [el(0x00080060, 'CS', 'OT'), says('YES')] })
  const request = {
    type: 'request',
    requestId: '7Q2M0V9ZK4T1C8XB3NHD',
    project: 'ABCD',
    participant: 'S1',
    exclude: [{ modality: 'PR' }, { modality: 'OT' }],
  }
  const objects = [ctImage({ instanceNumber: 1 }), screen]
  const { record } = await deidentify(objects, {}, request)
  t.match(record, { type: 'deidentified', instances: 1, excluded: { 'modality OT': 1 } })
  const wrong = { ...request, exclude: [{ Modality: 'OT' }] }
  await t.rejects(
    deidentify(objects, {}, wrong),
    { code: 'E_CONFIG' },
    'nothing goes out by a slip',
  )
})

t.test('what the project excludes is left out and counted, even if it would be held', async (t) => {
  const screen = ctImage({ instanceNumber: 2, elements: [el(0x00080060, 'CS', 'OT'), says('YES')] })
  const exclusion = exclusionOf([{ modality: 'OT', sopClass: '1.2.3' }, { modality: 'ot' }])
  const options = { exclusionOf: () => exclusion }
  const { record, files } = await deidentify([ctImage({ instanceNumber: 1 }), screen], options)
  t.match(record, { type: 'deidentified', instances: 1, excluded: { 'modality ot': 1 } })
  t.equal(files.length, 1)
  const nothing = await deidentify([screen], options)
  t.same(reasonsOf(nothing.record), ['nothing-left'])
  const byType = { exclusionOf: () => exclusionOf([{ classifyType: 'LOCALIZER' }]) }
  const typed = await deidentify([ctImage()], byType, { ClassifyType: ['CT', 'LOCALIZER'] })
  t.equal(typed.record.type, 'held')
  t.throws(() => exclusionOf([{ Modality: 'PR' }]), { code: 'E_CONFIG', hint: /modality/ })
})

t.test('objects of two patients in one study are held', async (t) => {
  const { record, files } = await deidentify([
    ctImage({ instanceNumber: 1 }),
    ctImage({ instanceNumber: 2, elements: [el(0x00100020, 'LO', 'EX-0002')] }),
  ])
  t.same(reasonsOf(record), ['patient-conflict'])
  t.same(files, [])
})

t.test(
  'a participant who is another patient already is held, and noted when released',
  async (t) => {
    const site = newSite()
    const path = join(site.dataDir, 'crosswalk.ndjson')
    const crosswalk = await Crosswalk.open(path, [key])
    t.teardown(() => crosswalk.close())
    const of = (PatientID: string, participant: string) => ({
      kind: 'participant' as const,
      project: 'default',
      participant,
      PatientID,
    })
    await crosswalk.note([of('EX-0009', 'S001'), of('EX-0002', 'S002')])
    const at = (participant: string) => deidentifierAt(site, { crosswalk, participant })
    const taken = archived(site, [ctImage({ elements: [el(0x00100020, 'LO', 'EX-0001')] })])
    const held = (await at('S001').record(taken)) as AnyRecord
    t.same(reasonsOf(held), ['participant-of-other-patient'])
    t.notOk(JSON.stringify(held).includes('EX-'))
    t.same(filesUnder(site.out), [])
    t.equal((await crosswalk.linksBy('patient', 'EX-0001')).length, 0, 'nothing is noted')
    const published: AnyRecord[] = []
    await at('S001').release(String(held['requestId']), false, async (record) => {
      published.push(record)
    })
    t.match(published, [
      { type: 'deidentified', waived: [{ code: 'participant-of-other-patient' }] },
    ])
    t.equal((await crosswalk.linksBy('patient', 'EX-0001')).length, 1)
    const again = (await at('S001').record(taken)) as AnyRecord
    t.equal(again.type, 'deidentified', 'somebody has decided')
    const renamed = archived(site, [ctImage({ elements: [el(0x00100020, 'LO', 'EX-0002')] })])
    const other = (await at('S003').record(renamed)) as AnyRecord
    t.same(reasonsOf(other), ['patient-is-other-participant'])
  },
)

t.test('objects that are counted and not there are missed', async (t) => {
  const series = [{ SeriesInstanceUID: '2.25.1001.1', instances: 5 }]
  const { record } = await deidentify([ctImage()], {}, { series })
  t.match(record['reasons'], [{ code: 'objects-missing', count: 4 }])
})

t.test('two objects of one name and different bytes are held; the same twice is one', async (t) => {
  const sopUID = '2.25.77'
  const { record } = await deidentify([
    ctImage({ sopUID, instanceNumber: 1 }),
    ctImage({ sopUID, instanceNumber: 2 }),
  ])
  t.same(reasonsOf(record), ['same-uid-twice'])
  const same = await deidentify([ctImage({ sopUID }), ctImage({ sopUID })])
  t.match(same.record, { type: 'deidentified', instances: 1 })
})

t.test('an outbox that cannot be written leaves an error and nothing else', async (t) => {
  const site = newSite()
  const record = archived(site, [ctImage()])
  writeFileSync(site.out, 'a file where the outbox should be')
  await t.rejects(deidentifierAt(site).record(record), {
    code: 'E_OUTBOX_WRITE',
    retryable: true,
  })
  t.equal(filesUnder(join(site.dataDir, 'default', 'review')).length, 0)
})

t.test('however a file is cut, nothing of the patient comes out of what is left', async (t) => {
  const whole = ofPerson()
  for (let length = 0; length < whole.length; length += 37) {
    const { record, files } = await deidentify([whole.subarray(0, length)])
    if (record.type === 'held') t.same(files, [])
    else for (const path of files) t.same(foundIn(path), [], `cut at ${String(length)}`)
  }
})

t.test('bytes turned over at random do not crash it, nor let the patient out', async (t) => {
  const whole = ofPerson()
  let state = 12345
  const random = (below: number) => (state = (state * 1103515245 + 12345) & 0x7fffffff) % below
  for (let round = 0; round < 150; round++) {
    const object = Buffer.from(whole)
    for (let flips = 0; flips < 3; flips++) object[132 + random(700)] = random(256)
    const { record, files } = await deidentify([object])
    if (record.type === 'held') t.same(files, [])
    else {
      // A flip may have changed the value itself: the names in it are then others.
      const found = files.flatMap((path) => foundIn(path))
      t.same(found, [], `round ${String(round)}`)
    }
  }
})

t.test('a file without permission is held, not skipped', async (t) => {
  const site = newSite()
  const record = archived(site, [ctImage({ instanceNumber: 1 }), ctImage({ instanceNumber: 2 })])
  const [path = ''] = filesUnder(site.dataDir)
  chmodSync(path, 0)
  mkdirSync(site.out)
  const result = await deidentifierAt(site).record(record)
  if (process.getuid?.() === 0) t.match(result, { type: 'deidentified' })
  else t.match(result, { type: 'held', reasons: [{ code: 'unreadable-object', count: 1 }] })
})

t.test('every storage class has the policy that is written for it', (t) => {
  t.equal(policyOf(`${storage}2`), 'image')
  t.equal(policyOf(`${storage}88.59`), 'report')
  t.equal(policyOf(`${storage}11.1`), 'presentation')
  t.equal(policyOf(`${storage}481.3`), 'data')
  t.equal(policyOf(`${storage}66.4`), 'image')
  t.equal(policyOf(`${storage}66.7`), 'image')
  t.equal(policyOf(`${storage}4.2`), 'data')
  t.equal(policyOf('1.2.840.10008.5.1.4.1.1'), undefined)
  t.end()
})

/** Classes of the standard that are held as unknown: retired, of baggage, or of plans and lists that are of no patient. */
const withoutPolicy = [
  ...['1.3.10', '1.20.1', '1.20.2', '5.1.1.27', '5.1.4.34.1', '5.1.4.38.1', '5.1.4.39.1'],
  ...['5.1.4.43.1', '5.1.4.44.1', '5.1.4.45.1'],
  ...['8', '9', '9.1', '129', '131', '200.1', '200.3', '200.7', '501.1', '501.2.1', '501.2.2']
    .concat(['501.3', '501.4', '501.5', '501.6'])
    .map((last) => `5.1.4.1.1.${last}`),
].map((rest) => `1.2.840.10008.${rest}`)

t.test(
  'of the storage classes that pydicom knows each has a policy, or is left out on purpose',
  { skip: missingPydicom() },
  (t) => {
    const script = `
from pydicom._uid_dict import UID_dictionary
print('\\n'.join(uid for uid, (name, kind, *_) in UID_dictionary.items() if kind == 'SOP Class' and 'Storage' in name))`
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], { encoding: 'utf8' })
    const classes = stdout.trim().split('\n')
    t.ok(classes.length > 150, stderr)
    const unknown = classes.filter((uid) => policyOf(uid) === undefined)
    t.same(
      unknown.filter((uid) => !withoutPolicy.includes(uid)),
      [],
    )
    t.same(
      withoutPolicy.filter((uid) => policyOf(uid) !== undefined),
      [],
      'none of them has got one meanwhile',
    )
    t.end()
  },
)
