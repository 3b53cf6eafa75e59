import fc from 'fast-check'
import t from 'tap'
import { DeliveredObjects } from '../../../src/lib/deliver/ledger/delivered-objects.ts'
import type { Delivered } from '../../../src/lib/deliver/ledger/entries.ts'

/** Few, so that they meet again; of every length that a UID may have, and beyond, and what is none. */
const uid = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((number) => `2.25.${String(number)}`),
  fc.constantFrom(
    '1',
    '1.2.',
    '0.0',
    '9'.repeat(64),
    '9'.repeat(63),
    '9'.repeat(65),
    'ü',
    '1/2',
    '',
  ),
)
const time = fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString())
const delivered: fc.Arbitrary<Delivered> = fc
  .record({
    uid,
    folder: fc.constantFrom('1.2/', '1.3/', '', 'a/b/'),
    ending: fc.constantFrom('.dcm', '.dcm', '.dcm', '.DCM', ''),
    SOPClassUID: fc.constantFrom('1.2.840', '1.2.841', undefined),
    size: fc.nat({ max: 2 ** 40 }),
    mtimeMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
    sha256: fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex')),
      fc.constant('short'),
    ),
    time: fc.oneof(time, fc.constant('yesterday')),
    committed: fc.option(time, { nil: undefined }),
  })
  .map(({ uid, folder, ending, SOPClassUID, committed, ...more }) => ({
    ...{ name: `${folder}${uid}${ending}`, SOPInstanceUID: uid, ...more },
    ...(SOPClassUID === undefined ? {} : { SOPClassUID }),
    ...(committed === undefined ? {} : { committed }),
  }))

const step = fc.record({ delivered, isDelete: fc.boolean() })

const sorted = (all: Iterable<Delivered>): Delivered[] =>
  [...all].sort((a, b) => (a.name < b.name ? -1 : 1))

t.test('whatever comes and goes, it is what a Map is', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const [objects, map] = [new DeliveredObjects(), new Map<string, Delivered>()]
      for (const { delivered, isDelete } of steps) {
        const { name } = delivered
        if (isDelete) t.equal(objects.delete(name), map.delete(name))
        else {
          objects.set(name, delivered)
          map.set(name, delivered)
        }
        if (objects.size !== map.size) t.equal(objects.size, map.size)
      }
      for (const { delivered } of steps) {
        const { name } = delivered
        if (objects.has(name) !== map.has(name)) t.equal(objects.has(name), map.has(name), name)
        t.strictSame(objects.get(name), map.get(name))
      }
      t.strictSame([...objects.keys()].sort(), [...map.keys()].sort())
      t.strictSame(sorted(objects.values()), sorted(map.values()))
    }),
    { numRuns: 40 },
  )
  t.end()
})

t.test('a hundred thousand are found, and what is taken away is not', (t) => {
  const objects = new DeliveredObjects()
  const of = (number: number): Delivered => ({
    name: `1.${String(number % 7)}/2.25.${String(number)}.dcm`,
    SOPInstanceUID: `2.25.${String(number)}`,
    size: number,
    mtimeMs: number + 0.5,
    sha256: number.toString(16).padStart(64, '0'),
    time: '2026-01-02T03:04:05.678Z',
  })
  const most = 100_000
  for (let number = 0; number < most; number++) objects.set(of(number).name, of(number))
  for (let number = 0; number < most; number += 3) objects.delete(of(number).name)
  for (let number = 0; number < most; number += 6) objects.set(of(number).name, of(number))
  let wrong = 0
  for (let number = 0; number < most; number++) {
    const isThere = number % 3 !== 0 || number % 6 === 0
    if (objects.get(of(number).name)?.size !== (isThere ? number : undefined)) wrong++
  }
  t.equal(wrong, 0)
  t.equal(objects.size, [...objects.keys()].length)
  t.end()
})
