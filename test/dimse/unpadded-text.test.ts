import fc from 'fast-check'
import t from 'tap'
import { unpaddedText } from '../../src/lib/dimse/pdu/unpadded-text.ts'

t.test('blanks go on both sides, NULs behind, nothing in between', async (t) => {
  const byte = fc.constantFrom(0, 0x20, 0x41, 0x42, 0x09, 0xe9)
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 30 }), (codes) => {
      const bytes = Buffer.from(codes)
      const expected = bytes.toString('latin1').replace(/^ +|[ \0]+$/g, '')
      return unpaddedText(bytes) === expected
    }),
    { numRuns: 2000 },
  )
  const around = Buffer.from('xx AE TITLE \0\0yy')
  t.equal(unpaddedText(around, 2, around.length - 2), 'AE TITLE')
})
