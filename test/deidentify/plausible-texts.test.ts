import t from 'tap'
import { plausibleTexts } from '../../src/lib/deidentify/search/plausible-texts.ts'

t.test('Windows-1252 has letters where Latin-1 has none', async (t) => {
  // No other set of one byte has both.
  t.ok(plausibleTexts(Buffer.from([0x8e, 0x75, 0xf1, 0x65, 0x7a])).has('Žuñez'))
})

t.test('of ASCII there is one reading', async (t) => {
  t.same([...plausibleTexts(Buffer.from('Nunez'))], ['Nunez'])
})
