import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { choiceList, dictionaries, dictionaryCsv } from '../../src/lib/redcap/dictionary.ts'

const folder = new URL('../../share/redcap/', import.meta.url)

t.test('share/redcap has the data dictionaries that FIONA goes by', async (t) => {
  t.strictSame(
    readdirSync(folder).sort(),
    Object.keys(dictionaries)
      .map((name) => `${name}.csv`)
      .sort(),
  )
  for (const [name, dictionary] of Object.entries(dictionaries)) {
    const hint = `fiona-redcap dictionary ${name} > share/redcap/${name}.csv`
    t.equal(readFileSync(new URL(`${name}.csv`, folder), 'utf8'), dictionaryCsv(dictionary), hint)
  }
})

t.test('names are those that REDCap takes', async (t) => {
  for (const { forms } of Object.values(dictionaries)) {
    const names = forms.flatMap(({ fields }) => fields.map(({ name }) => name))
    t.equal(new Set(names).size, names.length)
    for (const name of [...names, ...forms.map((form) => form.name)]) {
      t.match(name, /^[a-z](?:_?[a-z0-9])*$/)
    }
  }
})

t.test('choices are read as REDCap writes them', async (t) => {
  t.strictSame(choiceList('1, One, or so | 2,Two|x'), [
    ['1', 'One, or so'],
    ['2', 'Two'],
    ['x', 'x'],
  ])
  t.strictSame(choiceList(''), [])
})
