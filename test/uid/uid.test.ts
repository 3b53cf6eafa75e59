import fc from 'fast-check'
import t from 'tap'
import { isUid, parseUid } from '../../src/lib/uid/index.ts'

t.test('digits and single dots, up to 64 characters, are a UID', async (t) => {
  const good = [
    '1',
    '1.2.840.10008.1.2',
    '2.25.329800735698586629295641978511506172918',
    '0',
    '1.02',
  ]
  for (const uid of [...good, '1'.repeat(64)]) t.equal(parseUid(uid), uid)
})

t.test('what could mean something to a file system is never a UID', async (t) => {
  const bad = [
    '',
    '.',
    '..',
    '1.',
    '.1',
    '1..2',
    '1/2',
    '1.2\n',
    ' 1',
    '1 ',
    '1\0',
    '-1',
    'a',
    '１',
    '1'.repeat(65),
  ]
  for (const uid of [...bad, 7, null, undefined, ['1']]) {
    t.equal(isUid(uid), false, JSON.stringify(uid))
    t.throws(() => parseUid(uid, 'StudyInstanceUID'), {
      code: 'E_UID_INVALID',
      exitCode: 65,
      message: /^StudyInstanceUID is not a valid UID/,
    })
  }
  // A hostile text is shown cut, and as text.
  t.throws(() => parseUid('x'.repeat(1000)), { message: /^.{0,120}$/ })
})

t.test('a UID is never more than its characters', async () => {
  fc.assert(fc.property(fc.string(), (text) => !isUid(text) || /^[0-9.]{1,64}$/.test(text)))
})
