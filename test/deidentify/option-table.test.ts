import t from 'tap'
import {
  type Decide,
  type ProfileOption,
  type ProfileRow,
  Surroundings,
  decideByTable,
  profileRows,
  tableOptions,
} from '../../src/lib/deidentify/index.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el } from '../fixtures/dicom-writer.ts'
import { type PublishedRow, publishedPrivate, publishedRows } from './published-table.ts'

const lastOf = (compound: string) => compound.split('/').at(-1) ?? ''
const basicActions: Readonly<Record<string, string>> = {
  X: 'remove',
  Z: 'empty',
  D: 'dummy',
  U: 'uid',
  'U*': 'keep',
}

/** A safe element, and overlays and curves, so that rows without a tag of their own can be asked for, too. */
const safeElement = 0x00191023
const privateBlocks: TestElement[] = [
  el(0x00190010, 'LO', 'GEMS_ACQU_01'),
  el(safeElement, 'DS', '1'),
]
const file = DicomFile.fromBuffer(ctImage({ elements: privateBlocks }))
const around = new Surroundings(file, file.dataSet)

function decideWith(options: readonly ProfileOption[], rows?: readonly ProfileRow[]): Decide {
  const settings = { options: new Set(options), honourPrivateDataInformation: false }
  return decideByTable(settings, rows)(undefined)
}

/** A tag that a row is about. */
function tagOf(tag: string): number {
  if (/^[0-9A-F]{8}$/.test(tag)) return Number.parseInt(tag, 16)
  return tag.includes('x') ? Number.parseInt(tag.replace(/x/g, '0'), 16) + 0x00020000 : safeElement
}

/** Groups 0000 to 0007 are never in the data set of an object. */
const isInDataSets = (tag: string) => tagOf(tag) >>> 16 >= 8

t.test('the table is the published one, row by row and column by column', (t) => {
  const ours = profileRows()
  t.equal(ours.length, 621)
  t.equal(publishedRows.length, ours.length)
  publishedRows.forEach((row, at) => {
    const mine = ours[at]
    const tag = /odd/i.test(row.tag) ? 'private' : row.tag
    t.same(
      [mine?.tag, mine?.basic, [...(mine?.options ?? [])].sort()],
      [tag, row.basic, [...row.options].sort()],
      row.name,
    )
  })
  t.end()
})

for (const option of [undefined, ...tableOptions]) {
  t.test(`every row has its action with ${option ?? 'no option'}`, (t) => {
    const decide = decideWith(option === undefined ? [] : [option])
    for (const row of publishedRows.filter(({ tag }) => isInDataSets(tag))) {
      const letter = row.options.find(([name]) => name === option)?.[1]
      const { action, because } = decide(tagOf(row.tag), around)
      const isPrivate = /odd/i.test(row.tag)
      if (isPrivate) t.equal(action, letter === undefined ? 'remove' : 'keep', row.name)
      else if (letter === undefined) t.equal(action, basicActions[lastOf(row.basic)], row.name)
      else if (letter === 'K') t.equal(action, 'keep', row.name)
      else if (option === 'retainLongitudinalModifiedDates') t.equal(action, 'shiftDate', row.name)
      else t.equal(action, 'clean', row.name)
      if (letter !== undefined) t.equal(because, 'option', row.name)
      else if (!isPrivate) t.equal(because, 'table', row.name)
    }
    t.end()
  })
}

t.test('of two options that both speak of a row, the one that cleans decides', (t) => {
  const isPublishedPair = (a: ProfileOption, b: ProfileOption) =>
    a !== b && !(a.startsWith('retainLong') && b.startsWith('retainLong'))
  let pairs = 0
  for (const row of publishedRows.filter(({ tag }) => isInDataSets(tag))) {
    for (const [a, first] of row.options) {
      for (const [b, second] of row.options) {
        if (!isPublishedPair(a, b)) continue
        pairs += 1
        const { action } = decideWith([a, b])(tagOf(row.tag), around)
        const cleans = first === 'C' || second === 'C'
        const isDate = [a, b].includes('retainLongitudinalModifiedDates')
        t.equal(action, cleans ? (isDate ? 'shiftDate' : 'clean') : 'keep', `${row.name} ${a} ${b}`)
      }
    }
  }
  t.ok(pairs >= 48)
  t.end()
})

t.test('removing any single row, or any letter of one, changes a decision', (t) => {
  const rows = profileRows()
  const combinations: readonly ProfileOption[][] = [[], ...tableOptions.map((option) => [option])]
  const whole = combinations.map((options) => decideWith(options))
  const of = (row: PublishedRow) => tagOf(row.tag)
  const changes = (mutated: readonly ProfileRow[], tag: number) =>
    combinations.some(
      (options, at) =>
        JSON.stringify(decideWith(options, mutated)(tag, around)) !==
        JSON.stringify(whole[at]?.(tag, around)),
    )
  publishedRows.forEach((published, at) => {
    if (!isInDataSets(published.tag)) return
    t.ok(changes(rows.toSpliced(at, 1), of(published)), `without ${published.name}`)
    for (const [option] of published.options) {
      const row = rows[at]
      if (row === undefined) return
      const options = new Map([...row.options].filter(([name]) => name !== option))
      t.ok(
        changes(rows.with(at, { ...row, options }), of(published)),
        `${published.name} without ${option}`,
      )
    }
  })
  t.end()
})

t.test('every safe private element is one, by its creator alone', (t) => {
  const safe = decideWith(['retainSafePrivate'])
  const basic = decideWith([])
  t.equal(publishedPrivate.length, 479)
  for (const { creator, group, element, vr } of publishedPrivate) {
    const base = Number.parseInt(group, 16) * 0x10000
    const tag = base + 0x4200 + Number.parseInt(element, 16)
    const elements = (name: string) => [
      el(base + 0x42, 'LO', name),
      el(tag, 'CS', 'ANY'),
      el(tag + 0x100, 'CS', 'ANY'),
    ]
    const inBlockOf = (name: string) => {
      const object = DicomFile.fromBuffer(ctImage({ elements: elements(name) }))
      return new Surroundings(object, object.dataSet)
    }
    const name = `${creator} ${group} ${element}`
    const decision = safe(tag, inBlockOf(creator))
    t.equal(decision.because, 'option', name)
    if (vr !== undefined && vr !== '') t.equal(decision.vr, vr.split(' ')[0], name)
    t.equal(safe(tag, inBlockOf(`${creator}X`)).action, 'remove', name)
    t.equal(safe(tag + 0x100, inBlockOf(creator)).action, 'remove', 'nobody reserved its block')
    t.equal(basic(tag, inBlockOf(creator)).action, 'remove', name)
  }
  t.end()
})
