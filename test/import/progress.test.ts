import t from 'tap'
import { progressLine } from '../../src/lib/import/index.ts'

t.test('a line tells files, bytes, speed, errors, and the time left where it is known', (t) => {
  const samples = [
    { ms: 1000, files: 0, bytes: 0 },
    { ms: 11_000, files: 12_345, bytes: 6_000_000_000 },
  ]
  const counts = { files: 12_345, objects: 12_000, bytes: 6_000_000_000, errors: 0 }
  t.equal(progressLine(counts, samples, undefined), '12,345 files, 6.0 GB, 1,235 files/s, 600 MB/s')
  t.equal(
    progressLine({ ...counts, errors: 1234 }, samples, 1_000_000),
    '12,345 files of 1,000,000, 6.0 GB, 1,235 files/s, 600 MB/s, 1,234 errors, 14 min left',
  )
  t.equal(progressLine(counts, samples, 12_344), progressLine(counts, samples, undefined))
  t.end()
})

t.test('before there is any speed nothing is said of the time', (t) => {
  const counts = { files: 0, objects: 0, bytes: 0, errors: 0 }
  t.equal(
    progressLine(counts, [{ ms: 5, files: 0, bytes: 0 }], 10),
    '0 files of 10, 0 B, 0 files/s, 0 B/s',
  )
  t.equal(progressLine(counts, [], undefined), '0 files, 0 B, 0 files/s, 0 B/s')
  t.end()
})
