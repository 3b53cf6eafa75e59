import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DataSet,
  DicomFile,
  type Element,
  type OutElement,
  decodeText,
  formatTag,
  isText,
  keywordOf,
} from '../../dicom/index.ts'
import { PixelSpool } from '../../image/index.ts'
import { counted, visibleText } from '../../text/index.ts'
import type { Decision } from '../actions/action.ts'
import { defacedTexts, lookForFaces } from '../faces/index.ts'
import { type CleanedPixels, cleanPixels, cleanedTexts } from '../pixels/index.ts'
import { profileRows } from '../table/decide-by-table.ts'
import { type Deidentified, deidentifyObject, uidsOf } from '../deidentify-object.ts'
import type { Exclusion } from '../study/exclusions.ts'
import { KnownIdentity } from '../search/known-identity.ts'
import { type Profile, textsOf } from '../profile/profile.ts'
import type { Pseudonyms } from '../pseudonyms.ts'
import { Reasons } from '../reasons.ts'
import { IdentitySearch } from '../search/search-identity.ts'
import { readPart } from '../study/write-object.ts'
import type { Traced } from './trace.ts'

/** Values are told apart by their beginnings. */
const longestShown = 48
/** More is not held in memory to be searched. */
const longestSearched = 1 << 30

export interface Explained {
  readonly profile: Profile
  readonly pseudonyms: Pseudonyms
  readonly participant: string
  readonly project: string
  readonly event: string | undefined
  readonly exclusion: Exclusion
  /** What rules of classification give its series: in a chain that is in records. */
  readonly types: readonly string[]
}

/**
 * What de-identification does with an object, a line for each element at every depth: what it was, what is done,
 * what it becomes, and why. THE LINES HOLD THE PATIENT'S VALUES: for the eyes of who has the file, never for a log.
 * @throws FionaError when the object cannot be read
 */
export async function* explainObject(
  file: DicomFile,
  explained: Explained,
): AsyncGenerator<string, void> {
  const { profile, participant, project, event } = explained
  const uids = { ...uidsOf(file), types: explained.types }
  const verdict = profile.rules.lookAt({ file, ...uids })
  const leftOut = explained.exclusion(file, { path: '', types: uids.types }) ?? verdict.leftOut
  if (leftOut !== undefined) {
    yield `left out: ${leftOut}`
    return
  }
  const traced = new Map<Element, Traced>()
  const reasons = new Reasons()
  for (const where of verdict.review) reasons.add('profile-review', where)
  const assignment = { ...explained, requestId: 'EXPLAINED' }
  const given = [
    participant,
    project,
    ...(event === undefined ? [] : [event]),
    ...textsOf(profile.statement),
    ...profile.rules.writtenFor(assignment),
    ...cleanedTexts,
    ...defacedTexts,
  ]
  const identity = new KnownIdentity([participant], profile.extraTerms)
  const scratch = join(tmpdir(), `fiona-anon-${randomBytes(8).toString('hex')}`)
  using spool = new PixelSpool(() => scratch)
  const { SOPClassUID, types } = uids
  const { showsHead } = lookForFaces(file, SOPClassUID, types, profile.faces, reasons)
  const pixels = await cleanPixels(file, SOPClassUID, types, profile.pixels, reasons, spool)
  const notes = {
    identity,
    reasons,
    count: () => undefined,
    trace: (one: Traced) => traced.set(one.element, one),
  }
  const object = deidentifyObject(file, uids, assignment, notes, pixels)
  yield* new Lines(file, profile, traced).of(file.dataSet, '')
  if (object !== undefined) yield* added(object, file)
  yield pixelLine(pixels)
  if (showsHead && profile.faces.command !== undefined) {
    yield 'deface: its series would be given to the command'
  }
  if (object === undefined) yield 'nothing can be made of this object'
  else yield* searched(object, file, new IdentitySearch(identity, given), reasons)
  const all = reasons.list()
  for (const { code, where } of all) yield `held: ${code} at ${where}`
  if (all.length === 0) yield 'would go out'
}

function pixelLine({ droppedBy, cleanedBy, regions, isSearched }: CleanedPixels): string {
  if (droppedBy !== undefined) return `pixels: the object is left out by ${droppedBy}`
  const search = isSearched ? ', after a search for text' : ''
  if (cleanedBy === undefined) return `pixels: as they are${search}`
  return `pixels: ${counted(regions.length, 'region')} masked by ${cleanedBy}${search}`
}

class Lines {
  readonly #file: DicomFile
  readonly #profile: Profile
  readonly #traced: ReadonlyMap<Element, Traced>

  constructor(file: DicomFile, profile: Profile, traced: ReadonlyMap<Element, Traced>) {
    this.#file = file
    this.#profile = profile
    this.#traced = traced
  }

  *of(dataSet: DataSet, indent: string): Generator<string, void> {
    for (const element of dataSet.elements) {
      const { tag, vr, items } = element
      const name = `${indent}${formatTag(tag)} ${keywordOf(tag) ?? '?'} ${vr}`
      yield `${name} ${this.#old(dataSet, element)} → ${this.#change(dataSet, element)}`
      for (const [at, item] of (items ?? []).entries()) {
        yield `${indent}  item ${String(at + 1)}`
        yield* this.of(item, `${indent}    `)
      }
    }
  }

  #old(dataSet: DataSet, element: Element): string {
    const { vr, length, items, fragments } = element
    if (items !== undefined) return counted(items.length, 'item')
    if (fragments !== undefined)
      return `${String(length)} bytes in ${counted(fragments.length, 'fragment')}`
    if (length === 0) return 'empty'
    if (!isText(vr) && length > longestShown) return `${String(length)} bytes`
    if (!isText(vr))
      return this.#file.strings(dataSet, element.tag).join('\\') || `${String(length)} bytes`
    const bytes = this.#file.range(element.offset, Math.min(length, 4 * longestShown))
    return quoted(decodeText(bytes, vr, dataSet.characterSets), length > 4 * longestShown)
  }

  #change(dataSet: DataSet, element: Element): string {
    const one = this.#traced.get(element)
    if (one === undefined) return 'gone with its sequence'
    const { why, result } = one
    const done = result === undefined ? 'removed' : becomes(result, dataSet.characterSets)
    return `${done} — ${typeof why === 'string' ? words[why] : this.#because(why, element.tag)}`
  }

  #because(decision: Decision, tag: number): string {
    const { action, because, rule, type } = decision
    switch (because) {
      case 'rule':
        return `rule in line ${String(rule?.line)}: ${String(rule?.action)}`
      case 'table':
      case 'option': {
        const row = rowOf(tag)
        if (row === undefined) return `${action}, by the options of the profile`
        const options = [...row.options].filter(([option]) => this.#profile.options.has(option))
        const letters = options.map(([option, letter]) => `, ${letter} of ${option}`).join('')
        const ofType = because === 'table' && type !== undefined ? ` of type ${String(type)}` : ''
        return `Table E.1-1 ${row.basic}${ofType}${because === 'option' ? letters : ''}: ${action}`
      }
      case 'private':
        return 'private attributes are removed'
      case 'unlisted':
        return `${action}; not in Table E.1-1, and not known to be harmless`
      case 'kept':
        return 'not in Table E.1-1, and harmless'
      case 'base':
        return 'base none: no rule names it'
    }
  }
}

const words: Readonly<Record<Extract<Traced['why'], string>, string>> = {
  request: 'the request says so',
  twice: 'an element of this tag stands before it',
  'group length': 'lengths of groups are not written',
  template: 'its content no longer follows a template',
  document: 'a person has to look at the whole document',
}

let rows: ReadonlyMap<string, ReturnType<typeof profileRows>[number]> | undefined

function rowOf(tag: number): ReturnType<typeof profileRows>[number] | undefined {
  rows ??= new Map(profileRows().map((row) => [row.tag, row]))
  const digits = tag.toString(16).toUpperCase().padStart(8, '0')
  const isRepeating = tag >>> 24 === 0x50 || tag >>> 24 === 0x60
  const masked = `${digits.slice(0, 2)}xx${digits.slice(4)}`
  return (
    rows.get(digits) ??
    (isRepeating ? (rows.get(masked) ?? rows.get(`${digits.slice(0, 2)}xxxxxx`)) : undefined)
  )
}

function becomes(result: OutElement, characterSets: readonly string[]): string {
  if ('items' in result) {
    return Array.isArray(result.items) ? counted(result.items.length, 'item') : 'a sequence'
  }
  if ('copy' in result) return 'as it is'
  if ('made' in result) return `${String(result.made.length)} other bytes`
  const { value, vr } = result
  if (value.length === 0) return 'empty'
  if (!isText(vr)) return `${String(value.length)} bytes`
  return quoted(
    decodeText(value.subarray(0, 4 * longestShown), vr, characterSets),
    value.length > 4 * longestShown,
  )
}

function* added(object: Deidentified, file: DicomFile): Generator<string, void> {
  for (const element of object.elements) {
    if (file.dataSet.get(element.tag) !== undefined) continue
    const { tag, vr } = element
    yield `${formatTag(tag)} ${keywordOf(tag) ?? '?'} ${vr} absent → ${becomes(element, [])} — added`
  }
}

/** What goes out, read again as a receiver would. */
function* searched(
  object: Deidentified,
  file: DicomFile,
  search: IdentitySearch,
  reasons: Reasons,
): Generator<string, void> {
  const parts = [...object.parts()]
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  if (size > longestSearched) {
    yield 'search: too large to be searched here; it is when its study is de-identified'
    return
  }
  const bytes = Buffer.alloc(size)
  let at = 0
  for (const part of parts) {
    readPart(part, file, bytes.subarray(at, at + part.length), 0)
    at += part.length
  }
  const hits = search.find(DicomFile.fromBuffer(bytes))
  for (const where of hits) reasons.add('identity-found', where)
  yield `search: ${hits.length === 0 ? 'nothing known of the patient is left' : 'something known of the patient is left'}`
}

function quoted(text: string, isCut: boolean): string {
  const trimmed = text.replace(/[\0 ]+$/, '')
  const shown = Array.from(trimmed).slice(0, longestShown).join('')
  return `"${visibleText(shown)}${isCut || shown.length < trimmed.length ? '…' : ''}"`
}
