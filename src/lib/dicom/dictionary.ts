import { dictionaryData } from './dictionary-data.ts'
import { isPrivate, isPrivateCreator } from './tag.ts'

interface Dictionary {
  readonly byTag: ReadonlyMap<number, { readonly vr: string; readonly keyword: string }>
  readonly byKeyword: ReadonlyMap<string, number>
}

let loaded: Dictionary | undefined

/** Five thousand lines are split when the first question is asked, not when the program starts. */
function dictionary(): Dictionary {
  if (loaded !== undefined) return loaded
  const byTag = new Map<number, { vr: string; keyword: string }>()
  const byKeyword = new Map<string, number>()
  for (const line of dictionaryData.split('\n')) {
    const tag = Number.parseInt(line.slice(0, 8), 16)
    const keyword = line.slice(10)
    byTag.set(tag, { vr: line.slice(8, 10), keyword })
    byKeyword.set(keyword, tag)
  }
  loaded = { byTag, byKeyword }
  return loaded
}

/** Groups 50xx and 60xx repeat, even numbers only; the dictionary has the first of each (PS3.5 7.6). */
function firstOfRepeating(tag: number): number {
  const century = (tag & 0xff000000) >>> 0
  const repeats = century === 0x50000000 || century === 0x60000000
  return repeats && !isPrivate(tag) ? (tag & 0xff00ffff) >>> 0 : tag
}

/** Tag of a standard attribute; of the first group where groups repeat. */
export function tagOf(keyword: string): number | undefined {
  return dictionary().byKeyword.get(keyword)
}

/** Keyword of a standard attribute (PS3.6); undefined for private and unknown ones. */
export function keywordOf(tag: number): string | undefined {
  return dictionary().byTag.get(firstOfRepeating(tag))?.keyword
}

/** All of PS3.6, for whoever looks for what somebody meant. */
export function knownKeywords(): Iterable<string> {
  return dictionary().byKeyword.keys()
}

/** VRs that depend on another attribute, as the dictionary spells them (PS3.5 annex A). */
const settled: Readonly<Record<string, string>> = { xs: 'US', ox: 'OW', lt: 'OW' }

/**
 * VR of a tag; undefined where PS3.6 and PS3.5 7.2 and 7.8 do not say. `signed` decides between US
 * and SS: Pixel Representation (0028,0103) of the data set is 1.
 */
export function vrOf(tag: number, signed = false): string | undefined {
  const entry = dictionary().byTag.get(firstOfRepeating(tag))
  if (entry === undefined) {
    if ((tag & 0xffff) === 0) return 'UL'
    return isPrivateCreator(tag) ? 'LO' : undefined
  }
  if (entry.vr === 'xs' && signed) return 'SS'
  return settled[entry.vr] ?? entry.vr
}
