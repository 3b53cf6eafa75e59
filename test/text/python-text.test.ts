import t from 'tap'
import {
  bytesLiteral,
  floatText,
  numberList,
  textList,
  textLiteral,
} from '../../src/lib/text/index.ts'

t.test('texts and numbers are written as Python writes them', async (t) => {
  t.equal(textLiteral("O'Brien"), '"O\'Brien"')
  t.equal(textLiteral(`a'b"c`), `'a\\'b"c'`)
  t.equal(textLiteral('a\\b\n\x07ü'), "'a\\\\b\\n\\x07ü'")
  const numbers = [0, 1, -0.5, 2.98, 0.0001, 0.00001, 1.5e-7, 123456789012345.6, 1e15, 1e16, 1.5e22]
  t.same(numbers.map(floatText), [
    '0.0',
    '1.0',
    '-0.5',
    '2.98',
    '0.0001',
    '1e-05',
    '1.5e-07',
    '123456789012345.6',
    '1000000000000000.0',
    '1e+16',
    '1.5e+22',
  ])
})

t.test('lists and bytes are written as Python writes them', async (t) => {
  t.equal(textList(['ORIGINAL', "O'B"]), `['ORIGINAL', "O'B"]`)
  t.equal(numberList(['0', '2.50']), '[0, 2.50]')
  t.equal(bytesLiteral(Buffer.from('HC1-7;\0\xff\n', 'latin1')), "b'HC1-7;\\x00\\xff\\n'")
})
