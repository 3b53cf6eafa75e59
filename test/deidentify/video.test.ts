// What is not decoded here: it waits for a person, who is told why, or for a rule of the profile that knows the device.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { adviceFor } from '../../src/lib/deidentify/review/reason-advice.ts'
import type { Reason } from '../../src/lib/deidentify/reasons.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage, el, encapsulated } from '../fixtures/dicom-writer.ts'
import { missing } from '../fixtures/peers.ts'
import { archived, deidentifierAt, filesUnder, newSite, reasonsOf } from './deidentified.ts'
import { picture, withPixels } from './masked.ts'

const endoscopy = '1.2.840.10008.5.1.4.1.1.77.1.1.1'
const videos: Readonly<Record<string, string>> = {
  'MPEG2 MP@ML': '1.2.840.10008.1.2.4.100',
  'MPEG2 MP@HL': '1.2.840.10008.1.2.4.101',
  'MPEG-4 AVC/H.264': '1.2.840.10008.1.2.4.102',
  'MPEG-4 AVC/H.264 for 2D video': '1.2.840.10008.1.2.4.104',
  'HEVC/H.265': '1.2.840.10008.1.2.4.107',
  'HEVC/H.265 Main 10': '1.2.840.10008.1.2.4.108',
}
/** Bytes as dense as a video's, none of them text. */
const stream = Buffer.from(Array.from({ length: 4000 }, (_, at) => 0x80 | ((at * 97) % 128)))
const clip = (transferSyntax: string, fragment = stream, burnedIn?: string) =>
  ctImage({
    ...{ transferSyntax, rows: 40, columns: 56 },
    elements: [
      el(0x00080008, 'CS', 'ORIGINAL\\PRIMARY'),
      el(0x00080016, 'UI', endoscopy),
      el(0x00080060, 'CS', 'ES'),
      el(0x00080070, 'LO', 'Maker of Scopes'),
      el(0x00280002, 'US', 3),
      el(0x00280004, 'CS', 'YBR_PARTIAL_420'),
      el(0x00280006, 'US', 0),
      el(0x00280008, 'IS', '25'),
      ...[0x00280100, 0x00280101].map((tag) => el(tag, 'US', 8)),
      el(0x00280102, 'US', 7),
      el(0x00280103, 'US', 0),
      ...(burnedIn === undefined ? [] : [el(0x00280301, 'CS', burnedIn)]),
      encapsulated([fragment]),
    ],
  })
const mask = { rules: [{ modality: ['ES', 'US'], mask: [[0, 0, 9, 9]] }] }

/** What becomes of it, and of a release of it. */
async function held(object: Buffer, pixels?: unknown) {
  const site = newSite()
  const deidentifier = deidentifierAt(site, withPixels(pixels))
  const record = (await deidentifier.record(archived(site, [object]))) as AnyRecord
  const released: AnyRecord[] = []
  const release = (anyway: boolean) =>
    deidentifier.release(
      String(record['requestId']),
      anyway,
      (one) => {
        released.push(one)
        return Promise.resolve()
      },
      { because: 'looked at all frames' },
    )
  const outputs = () => filesUnder(site.out).map((path) => readFileSync(path))
  return { record, release, released, outputs, reasons: record['reasons'] as Reason[] }
}

for (const [name, transferSyntax] of Object.entries(videos)) {
  t.test(`${name}: a person looks, and releases it as it is`, async (t) => {
    const { record, release, released, outputs } = await held(clip(transferSyntax))
    t.same(reasonsOf(record), ['screen-capture'])
    t.match(adviceFor('screen-capture'), { release: 'release', look: /look at all pictures/ })
    await release(false)
    t.match(released, [{ type: 'deidentified', waived: [{ code: 'screen-capture', count: 1 }] }])
    t.ok(outputs()[0]?.includes(stream), 'not a byte of the stream is another one')
  })

  t.test(
    `${name}: to be masked, it is held, and the reason says what cannot be done`,
    async (t) => {
      const { record, release, released, reasons, outputs } = await held(clip(transferSyntax), mask)
      t.same(reasonsOf(record), ['pixels-not-masked'])
      t.match(reasons[0]?.where, /pixels\.rules\[0\]: .*a video is neither decoded nor encoded/)
      t.match(adviceFor('pixels-not-masked'), {
        release: 'releaseAnyway',
        look: /look at all of them/,
      })
      await t.rejects(release(false), { code: 'E_NOT_RELEASABLE' })
      t.same(outputs(), [])
      await release(true)
      t.match(released, [{ type: 'deidentified', pixels: undefined }])
      t.ok(outputs()[0]?.includes(stream))
    },
  )
}

t.test(
  'a rule can say that a device writes no text into its videos, unless they say so',
  async (t) => {
    const avc = '1.2.840.10008.1.2.4.102'
    const rules = [
      {
        sopClass: endoscopy,
        manufacturer: '^Maker of Scopes$',
        action: 'clean',
        name: 'clean scopes',
      },
    ]
    const fine = await held(clip(avc), { rules })
    t.equal(fine.record.type, 'deidentified', JSON.stringify(fine.reasons))
    t.ok(fine.outputs()[0]?.includes(stream))
    t.same(reasonsOf((await held(clip(avc, stream, 'YES'), { rules })).record), [
      'burned-in-annotation',
    ])
    const others = [{ ...rules[0], manufacturer: '^Another' }]
    t.same(reasonsOf((await held(clip(avc), { rules: others })).record), ['screen-capture'])
    const telling = Buffer.concat([stream, Buffer.from('\0Example^Patient\0'), stream])
    t.same(reasonsOf((await held(clip(avc, telling), { rules })).record), ['identity-found'])
  },
)

t.test(
  'frames of progressive JPEG are as good as any, but for masks',
  { skip: missing('cjpeg') },
  async (t) => {
    const gray = Buffer.from(Array.from({ length: 40 * 56 }, (_, at) => (at * 3) % 251))
    const pgm = Buffer.concat([Buffer.from('P5 56 40 255\n'), gray])
    const { stdout: frame } = spawnSync('cjpeg', ['-progressive', '-grayscale'], { input: pgm })
    t.ok(frame.includes(Buffer.from('ffc2', 'hex')))
    for (const transferSyntax of ['1.2.840.10008.1.2.4.55', '1.2.840.10008.1.2.4.50']) {
      const object = (burnedIn?: string) =>
        picture({
          transferSyntax,
          elements: [
            encapsulated([frame]),
            ...(burnedIn === undefined ? [] : [el(0x00280301, 'CS', burnedIn)]),
          ],
        })
      const fine = await held(object('NO'))
      t.equal(fine.record.type, 'deidentified', JSON.stringify(fine.reasons))
      t.ok(fine.outputs()[0]?.includes(frame))
      const { record, reasons, release, released, outputs } = await held(object(), mask)
      t.same(reasonsOf(record), ['pixels-not-masked'])
      t.match(reasons[0]?.where, /progressive/i)
      await release(true)
      t.match(released, [{ type: 'deidentified' }])
      t.ok(outputs()[0]?.includes(frame))
    }
  },
)
