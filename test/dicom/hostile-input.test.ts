import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { FionaError } from '../../src/lib/error/index.ts'
import {
  ctElements,
  ctImage,
  dataSetBytes,
  dicomFile,
  el,
  encapsulated,
  raw,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'

const nested = [
  ...ctElements({ rows: 2, columns: 2 }),
  sq(0x00081115, [[el(0x0020000e, 'UI', '2.25.7'), sq(0x00081199, [[], []])]]),
]
const samples: Readonly<Record<string, Buffer>> = {
  explicit: dicomFile({ elements: nested }),
  'undefined lengths': dicomFile({ elements: nested, undefinedLengths: true }),
  implicit: dicomFile({ elements: nested, transferSyntax: syntax.implicit }),
  'big endian': dicomFile({ elements: nested, transferSyntax: syntax.bigEndian }),
  deflated: dicomFile({ elements: nested, transferSyntax: syntax.deflated }),
  encapsulated: dicomFile({
    elements: [...nested.slice(0, -2), encapsulated([Buffer.alloc(20, 1), Buffer.alloc(4)])],
    transferSyntax: syntax.rle,
  }),
  'no meta information': dataSetBytes(nested),
}

/** Everything a reader may ask. @returns what was thrown */
function readAll(bytes: Buffer): unknown {
  try {
    const file = DicomFile.fromBuffer(bytes)
    for (const dataSet of [file.meta, file.dataSet]) {
      for (const element of dataSet.elements) {
        file.bytes(element)
        file.strings(dataSet, element.tag)
        file.numbers(dataSet, element.tag)
      }
    }
    return undefined
  } catch (error) {
    return error
  }
}
const isExpected = (error: unknown) =>
  error === undefined ||
  (error instanceof FionaError &&
    /^E_DICOM_(PARSE|LIMIT)$/.test(error.code) &&
    error.exitCode === 65)

for (const [name, bytes] of Object.entries(samples)) {
  t.test(`every beginning of a file is whole or refused, never an accident: ${name}`, async (t) => {
    const accidents = []
    let refused = 0
    for (let size = 0; size < bytes.length; size++) {
      const error = readAll(bytes.subarray(0, size))
      if (!isExpected(error)) accidents.push([size, error])
      if (error !== undefined) refused++
    }
    t.same(accidents, [])
    t.equal(readAll(bytes), undefined)
    // It is whole where the cut is between two elements; most cuts are not.
    t.ok(refused > bytes.length / 2, `${String(refused)} of ${String(bytes.length)}`)
  })
}

t.test('bytes changed at random are read or refused, never an accident', async () => {
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(samples)),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      (bytes, changes) => {
        const changed = Buffer.from(bytes)
        for (const [at, value] of changes) changed[at % changed.length] = value
        return isExpected(readAll(changed))
      },
    ),
    { numRuns: 3000 },
  )
})

t.test('random bytes behind the prefix are read or refused', async () => {
  const start = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      isExpected(readAll(Buffer.concat([start, bytes]))),
    ),
    { numRuns: 2000 },
  )
})

/** Sequences of undefined length inside each other, down to the given level. */
function levels(count: number, transferSyntax: string): Buffer {
  const explicit = transferSyntax === syntax.explicit
  const open = Buffer.from(
    (explicit ? '0800401153510000ffffffff' : '08004011ffffffff') + 'feff00e0ffffffff',
    'hex',
  )
  const close = Buffer.from('feff0de000000000feffdde000000000', 'hex')
  const bytes = Buffer.concat([
    ...Array.from({ length: count }, () => open),
    ...Array.from({ length: count }, () => close),
  ])
  return dicomFile({ elements: [raw(bytes)], transferSyntax })
}

t.test('64 levels of sequences are read, more are refused at once', async (t) => {
  for (const transferSyntax of [syntax.explicit, syntax.implicit]) {
    let dataSet = DicomFile.fromBuffer(levels(64, transferSyntax)).dataSet
    for (let level = 0; level < 64; level++) {
      const item = dataSet.get(0x00081140)?.items?.[0]
      if (item === undefined) throw new Error(`level ${String(level)} is not there`)
      dataSet = item
    }
    for (const count of [65, 100_000]) {
      t.throws(() => DicomFile.fromBuffer(levels(count, transferSyntax)), {
        code: 'E_DICOM_LIMIT',
        message: /more than 64 levels deep/,
      })
    }
  }
})

t.test(
  'sequences hidden in UN, each inside the other, take no more than a look each',
  async (t) => {
    let value = Buffer.from('feff00e0ffffff0f', 'hex')
    for (let level = 0; level < 60; level++) {
      const inner = dataSetBytes([el(0x00081140, 'UN', value)], { explicitVR: false })
      const item = Buffer.from('feff00e000000000', 'hex')
      item.writeUInt32LE(inner.length, 4)
      value = Buffer.concat([item, inner])
    }
    const file = DicomFile.fromBuffer(dicomFile({ elements: [el(0x00081140, 'UN', value)] }))
    t.equal(file.dataSet.elements.length, 1)
  },
)

t.test('a length beyond the file is refused without a buffer of that length', async (t) => {
  for (const length of [0x7ffffffe, 0xfffffffe]) {
    for (const vr of ['OB', 'SQ', 'UN', 'UT']) {
      const elements = [el(0x00091010, vr, Buffer.alloc(8), length)]
      t.throws(() => DicomFile.fromBuffer(dicomFile({ elements })), {
        code: 'E_DICOM_PARSE',
        message: new RegExp(`claims ${String(length)} bytes, 8 are left`),
      })
    }
  }
})

t.test('an item or fragment longer than what is around it is refused', async (t) => {
  const item = Buffer.from('feff00e0' + 'ff000000' + '0800600043530200' + '4354', 'hex')
  t.throws(() => DicomFile.fromBuffer(dicomFile({ elements: [el(0x00081140, 'SQ', item)] })), {
    message: /an item claims 255 bytes/,
  })
  const pixels = Buffer.from('e07f10004f420000ffffffff' + 'feff00e0' + 'ff000000', 'hex')
  t.throws(() => DicomFile.fromBuffer(dicomFile({ elements: [raw(pixels)] })), {
    message: /a fragment claims 255 bytes/,
  })
  const notAnItem = Buffer.from('e07f10004f420000ffffffff' + '08006000' + '00000000', 'hex')
  t.throws(() => DicomFile.fromBuffer(dicomFile({ elements: [raw(notAnItem)] })), {
    message: /\(0008,0060\) where a fragment should be/,
  })
})

t.test(
  'a million elements are read, a file of nothing but headers is refused in time',
  async (t) => {
    const element = Buffer.from('0900' + '1010' + '4c4f' + '0000', 'hex')
    const million = Buffer.alloc(8_000_000)
    for (let at = 0; at < million.length; at += 8) {
      element.copy(million, at)
      million.writeUInt16LE((at >> 3) & 0xffff, at + 2)
    }
    const file = DicomFile.fromBuffer(dicomFile({ elements: [raw(million)] }))
    t.equal(file.dataSet.elements.length, 1_000_000)
    t.equal(file.dataSet.get(0x00090000)?.length, 0)
    t.throws(
      () => DicomFile.fromBuffer(dicomFile({ elements: [raw(Buffer.alloc(40_100_000, element))] })),
      {
        code: 'E_DICOM_LIMIT',
        message: /more than 5000000 elements/,
      },
    )
  },
)

t.test('a deflated data set that grows beyond all measure is refused', async (t) => {
  // Zeros deflate a thousandfold: 600 kB here, 600 MB inflated.
  const layer = deflateRawSync(Buffer.alloc(600 << 20), { level: 1 })
  const head = dicomFile({ elements: [], transferSyntax: syntax.deflated })
  t.throws(() => DicomFile.fromBuffer(Buffer.concat([head.subarray(0, -2), layer])), {
    code: 'E_DICOM_LIMIT',
    message: /inflates to more than/,
  })
})

t.test('REL-07: an object of gigabytes costs no more than its headers', async (t) => {
  const path = join(t.testdir(), 'sparse.dcm')
  const length = 0xfffffff0
  const bytes = ctImage({ elements: [el(0x7fe00010, 'UT', Buffer.alloc(0), length)] })
  writeFileSync(path, bytes)
  const fd = openSync(path, 'r+')
  ftruncateSync(fd, bytes.length + length)
  writeSync(fd, 'x', bytes.length + length - 1)
  closeSync(fd)
  const before = process.memoryUsage.rss()
  using file = DicomFile.open(path)
  t.equal(file.dataSet.get(0x7fe00010)?.length, length)
  t.ok(process.memoryUsage.rss() - before < 100 << 20)
  // Asked for its text, and by its length alone refused.
  t.throws(() => file.strings(file.dataSet, 0x7fe00010), { code: 'E_DICOM_LIMIT' })
})

t.test('REL-07: beyond 4 GiB in fragments a file is whole to its last byte, or cut', async (t) => {
  const path = join(t.testdir(), 'sparse.dcm')
  const elements = ctElements().filter(({ tag }) => tag !== 0x7fe00010)
  const head = Buffer.concat([
    dicomFile({ elements, transferSyntax: syntax.jpegBaseline }),
    Buffer.from('e07f10004f420000ffffffff' + 'feff00e000000000', 'hex'),
  ])
  const fragmentBytes = 0xf0000000
  const item = Buffer.from('feff00e0000000f0', 'hex')
  const end = Buffer.from('feffdde000000000', 'hex')
  const size = head.length + 2 * (item.length + fragmentBytes) + end.length
  const fd = openSync(path, 'w')
  writeSync(fd, head)
  writeSync(fd, item, 0, item.length, head.length)
  writeSync(fd, item, 0, item.length, head.length + item.length + fragmentBytes)
  writeSync(fd, end, 0, end.length, size - end.length)
  {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    t.equal(file.size, size)
    file.requireWhole()
  }
  ftruncateSync(fd, size - end.length - 1)
  closeSync(fd)
  using cut = DicomFile.open(path, { stopAtPixelData: true })
  t.throws(
    () => {
      cut.requireWhole()
    },
    { code: 'E_DICOM_PARSE' },
  )
})

t.test('a character set or a transfer syntax of kilobytes is nonsense', async (t) => {
  const characterSet = el(0x00080005, 'CS', 'ISO_IR 100\\'.repeat(200))
  t.throws(() => DicomFile.fromBuffer(dicomFile({ elements: [characterSet] })), {
    code: 'E_DICOM_LIMIT',
  })
  const meta = [el(0x00020010, 'UI', '1.2.'.repeat(100))]
  t.throws(() => DicomFile.fromBuffer(dicomFile({ elements: ctElements(), meta })), {
    code: 'E_DICOM_PARSE',
  })
})

t.test(
  'where only its own elements are kept, an object may not have more than any has',
  async (t) => {
    const element = Buffer.from('090010104c4f0000', 'hex')
    const beginning = dataSetBytes([el(0x00080016, 'UI', '1.2')])
    const read = (count: number) =>
      DicomFile.fromBuffer(Buffer.concat([beginning, Buffer.alloc(8 * count, element)]), {
        topLevelOnly: true,
      })
    t.equal(read(99_999).dataSet.elements.length, 100_000)
    t.throws(() => read(100_000), { code: 'E_DICOM_LIMIT' })
  },
)

t.test(
  'without what is inside sequences, the object itself is the same, and damage shows',
  async (t) => {
    for (const [name, bytes] of Object.entries(samples)) {
      const whole = DicomFile.fromBuffer(bytes)
      const top = DicomFile.fromBuffer(bytes, { topLevelOnly: true })
      t.same(
        top.dataSet.elements.map(({ tag, vr, offset, length }) => [tag, vr, offset, length]),
        whole.dataSet.elements.map(({ tag, vr, offset, length }) => [tag, vr, offset, length]),
        name,
      )
      t.ok(
        top.dataSet.elements.every(
          ({ items = [], fragments = [] }) => items.length + fragments.length === 0,
        ),
      )
      for (let size = 0; size < bytes.length; size += 3) {
        const cut = bytes.subarray(0, size)
        const refused = (options: { topLevelOnly?: boolean }) => {
          try {
            DicomFile.fromBuffer(cut, options)
            return false
          } catch {
            return true
          }
        }
        if (refused({}) !== refused({ topLevelOnly: true }))
          t.fail(`${name}, cut at ${String(size)}`)
      }
    }
  },
)
