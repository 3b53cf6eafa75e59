import fc from 'fast-check'
import t from 'tap'
import { cleanText, imagingVocabulary } from '../../src/lib/deidentify/index.ts'

const vocabulary = imagingVocabulary()

const cases: readonly (readonly [text: string, cleaned: string])[] = [
  ['t1_mprage_sag_p2_iso', 't1_mprage_sag_p2_iso'],
  ['T2 FLAIR axial 3mm', 'T2 FLAIR axial 3mm'],
  ['Thorax 5.0 B30f', 'Thorax 5.0 B30f'],
  ['ep2d_diff_b1000', 'ep2d b1000'],
  ['DTI 64 dirs b=1000', 'DTI 64 dirs'],
  ['Axial Zwartkops', 'Axial'],
  ['Zwartkops, Klaasjan', ''],
  ['Knee left, Dr. Brinkhorst 12', 'Knee left'],
  ['brain 23.04.1961', 'brain'],
  ['brain 23 04 61', 'brain'],
  ['brain 1961-04-23', 'brain'],
  ['brain 23 april 1961', 'brain'],
  ['brain 19610423', 'brain'],
  ['chest 31 58 123 45 67', 'chest'],
  ['HOSP-778812 head', 'head'],
  ['head 0.75 x 0.75', 'head 0.75 x 0.75'],
  ['spine\r\nlumbar', 'spine lumbar'],
  ['SCHÄDEL  nativ', 'nativ'],
  ['ｈｅａｄ', 'head'],
  ['he\u200bad', 'head'],
  ['Zwart\u200bkops', ''],
  ['see http://pacs/1.2.3', ''],
  ['', ''],
  ['   ', ''],
]

for (const [text, cleaned] of cases) {
  t.test(`${JSON.stringify(text)} becomes ${JSON.stringify(cleaned)}`, (t) => {
    t.equal(cleanText(text, vocabulary, new Set()), cleaned)
    t.end()
  })
}

t.test('a word of imaging that is the name of somebody goes', (t) => {
  t.equal(cleanText('HEAD axial', vocabulary, new Set(['head'])), 'axial')
  t.equal(cleanText('head 12', vocabulary, new Set(['12'])), 'head')
  t.end()
})

t.test('a project adds words of its own', (t) => {
  t.equal(cleanText('Axial Stroop', new Set([...vocabulary, 'stroop']), new Set()), 'Axial Stroop')
  t.equal(cleanText('Schädel', new Set(['schadel']), new Set()), 'schadel')
  t.end()
})

t.test('the vocabulary has small ASCII words, each once, and no names of months', (t) => {
  for (const word of vocabulary) t.match(word, /^[a-z0-9]+$/)
  for (const word of ['april', 'august', 'june']) t.notOk(vocabulary.has(word))
  t.ok(vocabulary.size > 700)
  t.end()
})

t.test('nothing is kept that is neither a word of it, a measure nor a small number', (t) => {
  const word = fc.oneof(
    fc.constantFrom('axial', 'T1', 'head', '3', '12', '1961', '23', '04', ' ', '.', '-', '_'),
    fc.string({ maxLength: 8, unit: 'grapheme' }),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const cleaned = cleanText(words.join(' '), vocabulary, new Set())
      const tokens = cleaned.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
      return (
        tokens.every((token) => vocabulary.has(token.toLowerCase()) || /\d/.test(token)) &&
        !/\d{5}/.test(cleaned) &&
        cleanText(cleaned, vocabulary, new Set()).length <= cleaned.length
      )
    }),
  )
  t.end()
})
