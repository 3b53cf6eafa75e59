// How often the search would hold a study of nobody: a thousand frequent names, and texts that devices write and that name
// nobody. A pair is one name as a patient's, given or family, and one text in which the search finds it. The rows below tell
// what other rules would cost: names cut short, and names read backwards.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { DicomFile } from '../src/lib/dicom/index.ts'
import { dictionaryData } from '../src/lib/dicom/dictionary-data.ts'
import { IdentitySearch, KnownIdentity } from '../src/lib/deidentify/index.ts'
import { foldText } from '../src/lib/deidentify/search/fold-text.ts'
import { ctImage, el, sq } from '../test/fixtures/dicom-writer.ts'

const read = (name: string) => readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8')
const shortestCut = [4, 5, 6, 7]

export default {
  name: 'held-names',
  title: 'Texts that name nobody, and would be held for one of a thousand frequent names',
  run() {
    const names = [...new Set(read('frequent-names.txt').trim().split(/\s+/))]
    const kinds = {
      'descriptions, devices, codes': read('device-texts.txt').trim().split('\n'),
      'names of attributes': attributeNames(),
      'samples of pydicom': samples(),
    }
    return {
      rows: Object.entries(kinds).flatMap(([kind, texts]) => {
        const cut = shortestCut.map(
          (length) =>
            [`cut to ${String(length)} or more`, (name: string) => cutsOf(name, length)] as const,
        )
        return [
          row(kind, 'as it is', names, texts, pairsOf(names, texts)),
          ...cut.map(([rule, wordsOf]) =>
            row(kind, rule, names, texts, wordPairs(names, texts, wordsOf)),
          ),
          row(kind, 'backwards', names, texts, backwards(names, texts)),
        ]
      }),
    }
  },
}

type Pair = readonly [name: string, text: string]

function row(kind: string, rule: string, names: string[], texts: string[], pairs: Pair[]) {
  const all = names.length * texts.length
  return {
    who: `${kind}: ${rule}`,
    texts: texts.length,
    pairs: pairs.length,
    'per million': Math.round((pairs.length / Math.max(1, all)) * 1e6),
    'names in any text': new Set(pairs.map(([name]) => name)).size,
    for: [...new Set(pairs.map(([name]) => name))].slice(0, 8).join(' '),
  }
}

/** All names at once, and then each in the texts that have any. */
function pairsOf(names: string[], texts: string[]): Pair[] {
  const some = found(names, texts)
  return names.flatMap((name) => found([name], some).map((text): Pair => [name, text]))
}

function found(names: string[], texts: string[]): string[] {
  const identity = new KnownIdentity([])
  for (const name of names) identity.add('name', name)
  const items = texts.map((text) => [el(0x00080104, 'LO', Buffer.from(text))])
  const elements = [el(0x00080005, 'CS', 'ISO_IR 192'), sq(0x00082218, items)]
  const file = DicomFile.fromBuffer(ctImage({ elements }))
  const hits = new IdentitySearch(identity, []).find(file)
  return hits.flatMap((path) => texts[Number(/\[(\d+)\]/.exec(path)?.[1] ?? 0) - 1] ?? [])
}

function cutsOf(name: string, shortest: number): string[] {
  const cuts: string[] = []
  for (let end = shortest; end < name.length; end++) cuts.push(name.slice(0, end))
  return cuts
}

function wordPairs(names: string[], texts: string[], wordsOf: (name: string) => string[]): Pair[] {
  const wanted = names.map((name) => [name, new Set(wordsOf(foldText(name)))] as const)
  return texts.flatMap((text) => {
    const words = foldText(text).split(/[^\p{L}\p{N}]+/u)
    return wanted
      .filter(([, cuts]) => words.some((word) => cuts.has(word)))
      .map(([name]): Pair => [name, text])
  })
}

function backwards(names: string[], texts: string[]): Pair[] {
  const turned = names.map((name) => [name, [...foldText(name)].reverse().join('')] as const)
  return texts.flatMap((text) =>
    turned
      .filter(([, term]) => term.length >= 5 && foldText(text).includes(term))
      .map(([name]): Pair => [name, text]),
  )
}

/** `ReferringPhysicianName` as people read it. */
function attributeNames(): string[] {
  const keywords = dictionaryData.match(/[A-Z][A-Za-z]{3,}/g) ?? []
  return [...new Set(keywords)].map((keyword) => keyword.replace(/(?<=[a-z])(?=[A-Z])/g, ' '))
}

/** Texts of the files that come with pydicom, but of those attributes that are known of patients and staff. */
function samples(): string[] {
  const script = new URL('data/pydicom-texts.py', import.meta.url).pathname
  const { stdout, status } = spawnSync('/usr/bin/python3', [script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return status === 0
    ? stdout
        .trim()
        .split('\n')
        .filter((text) => text !== '')
    : []
}
