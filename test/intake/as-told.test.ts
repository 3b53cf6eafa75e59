import t from 'tap'
import { requireAgreement, sizeMismatch } from '../../src/lib/intake/as-told.ts'

const object = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.2', SOPInstanceUID: '2.25.7' }

t.test('an object that is what its request says is let through', async (t) => {
  t.equal(requireAgreement({ ...object }, object), undefined)
})

t.test('another one is named, and so is what was said', async (t) => {
  const wrong = [
    ['SOPClassUID', '1.2.840.10008.5.1.4.1.1.4'],
    ['SOPInstanceUID', '2.25.8'],
  ] as const
  for (const [keyword, said] of wrong) {
    t.throws(() => requireAgreement(object, { ...object, [keyword]: said }), {
      code: 'E_IDENTITY_MISMATCH',
      exitCode: 65,
      message: `the request says ${keyword} ${said}, the object ${object[keyword]}`,
    })
  }
  t.throws(() => requireAgreement(object, { ...object, SOPInstanceUID: '1'.repeat(5000) }), {
    message: `the request says SOPInstanceUID ${'1'.repeat(64)}, the object 2.25.7`,
  })
})

t.test('bytes that were lost may come again', async (t) => {
  t.match(sizeMismatch(7, 8), {
    code: 'E_SIZE_MISMATCH',
    message: '8 bytes came in, 7 are in the file',
    retryable: true,
  })
})
