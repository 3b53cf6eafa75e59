import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { DiskLedgers } from '../../../src/lib/deliver/ledger/disk-ledgers.ts'
import { MemoryLedgers } from '../../../src/lib/deliver/ledger/ledger.ts'
import { limitFileSize } from '../../fixtures/file-size-limit.ts'
import { temporary } from '../studies.ts'
import { entry } from './ledger-entries.ts'

for (const [what, make] of [
  ['on disk', () => new DiskLedgers(temporary())],
  ['in memory', () => new MemoryLedgers()],
] as const) {
  t.test(
    `${what}: the last word about an object counts, for its request and destination`,
    async (t) => {
      const ledgers = make()
      const first = await ledgers.open('dicom://A@host:104', 'r1')
      first.add(entry('x', 'old'))
      first.add(entry('x', 'new'))
      first.add(entry('y'))
      first.withdraw('y')
      await first.sync()
      await first.close()
      const again = await ledgers.open('dicom://A@host:104', 'r1')
      t.match(again.find('x'), { sha256: 'new', mtimeMs: 2.5 })
      t.equal(again.find('y'), undefined)
      await again.close()
      for (const [url, request] of [
        ['dicom://A@host:104', 'r2'],
        ['dicom://B@host:104', 'r1'],
      ] as const) {
        const other = await ledgers.open(url, request)
        t.equal(other.find('x'), undefined)
        await other.close()
      }
    },
  )
}

t.test('names from a record cannot lead out of the directory', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  for (const request of ['../../x', '/etc/passwd', '.', 'a\0b', 'x'.repeat(500)]) {
    const ledger = await ledgers.open(`file:/${'../'.repeat(50)}`, request)
    ledger.add(entry('x'))
    await ledger.close()
  }
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  t.equal(files.filter((one) => one.isFile()).length, 5)
})

t.test('cut anywhere, a ledger keeps its whole lines and takes new ones', async (t) => {
  const law = fc.asyncProperty(
    fc.integer({ min: 0, max: 1000 }),
    fc.integer({ min: 1, max: 6 }),
    async (cut, count) => {
      const directory = temporary()
      const ledgers = new DiskLedgers(directory)
      const first = await ledgers.open('u', 'r')
      for (let i = 0; i < count; i++) first.add(entry(`n${String(i)}`))
      await first.close()
      const [folder = ''] = readdirSync(directory)
      const path = join(directory, folder, 'r.ndjson')
      const kept = readFileSync(path).subarray(0, cut)
      writeFileSync(path, kept)
      const second = await ledgers.open('u', 'r')
      second.add(entry('later'))
      await second.close()
      const third = await ledgers.open('u', 'r')
      if (third.find('later') === undefined) throw new Error('the new line is lost')
      const whole = kept.toString().split('\n').length - 1
      for (let i = 0; i < whole; i++) {
        if (third.find(`n${String(i)}`) === undefined) throw new Error('a whole line is lost')
      }
      await third.close()
    },
  )
  await t.resolves(fc.assert(law, { numRuns: 60 }))
})

t.test('after a write that failed in the middle of a line, the next is kept', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  const ledger = await ledgers.open('u', 'r')
  ledger.add(entry('before'))
  const [folder = ''] = readdirSync(directory)
  const path = join(directory, folder, 'r.ndjson')
  const { size } = statSync(path)
  for (const more of [0, 1, 40]) {
    limitFileSize(statSync(path).size + more)
    try {
      t.throws(
        () => {
          ledger.add(entry('torn'))
        },
        { code: 'EFBIG' },
      )
    } finally {
      limitFileSize('unlimited')
    }
  }
  t.ok(statSync(path).size > size, 'a part of the line was written')
  ledger.add(entry('after'))
  ledger.add(entry('at the end'))
  await ledger.close()
  const again = await ledgers.open('u', 'r')
  for (const name of ['before', 'after', 'at the end']) t.match(again.find(name), { name })
  await again.close()
})

t.test('a refusal is kept until the object is taken, and written when it changes', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  const lines = (): number => {
    const [folder = ''] = readdirSync(directory)
    return readFileSync(join(directory, folder, 'r.ndjson'), 'utf8').split('\n').length - 1
  }
  const full = { code: 'E_REFUSED', message: 'answered with A700H' } as const
  const ledger = await ledgers.open('u', 'r')
  for (const time of ['1', '2', '3']) ledger.refuse('x', full, time)
  ledger.refuse('y', full, '4')
  t.equal(lines(), 2)
  await ledger.close()
  const again = await ledgers.open('u', 'r')
  again.refuse('x', full, '5')
  t.equal(lines(), 2, 'also over a restart')
  again.refuse('x', { ...full, message: 'answered with C000H' }, '6')
  again.add(entry('y'))
  await again.close()
  const { delivered, refused } = await ledgers.known('u', 'r')
  t.match([...refused.values()], [{ name: 'x', refused: { message: /C000H/ }, time: '6' }])
  t.same([...delivered.keys()], ['y'])
  t.equal((await ledgers.known('u', 'nothing')).delivered.size, 0)
})
