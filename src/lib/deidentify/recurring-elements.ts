import type { DicomFile, Element, OutElement } from '../dicom/index.ts'
import { isPrivate } from '../dicom/index.ts'
import type { Decide } from './profile/profile.ts'

/**
 * What became of elements in earlier objects of a study. The objects of a series say mostly the same, and what comes out of an
 * attribute that stands at the top of an object follows from its bytes and from what a `Recurring` is made for: nothing
 * has to be decided, read and written anew where these are what they were. What it tells of the patient was noted the first time.
 */
export class RecurringElements {
  #of = new WeakMap<Decide, Map<string, Recurring>>()

  /** @param decide what decides about the elements of the object: the profile's, which is one for all objects alike */
  forObject(file: DicomFile, SOPClassUID: string, decide: Decide): Recurring {
    const { transferSyntaxUID, littleEndian, explicitVR, dataSet } = file
    const { characterSets } = dataSet
    const key = JSON.stringify([
      SOPClassUID,
      transferSyntaxUID,
      littleEndian,
      explicitVR,
      characterSets,
    ])
    let known = this.#of.get(decide)
    if (known === undefined) this.#of.set(decide, (known = new Map<string, Recurring>()))
    let recurring = known.get(key)
    if (recurring === undefined) {
      // Many kinds of objects in one study are no study that a scanner made.
      if (known.size >= mostKinds) known.clear()
      known.set(key, (recurring = new Recurring()))
    }
    return recurring
  }
}

const mostKinds = 64
const mostElements = 2048
const longestValue = 256
/** What was another one so often, and never the same, is another one in every object. */
const mostMisses = 8

interface Known {
  readonly vr: string
  readonly value: Buffer
  readonly made: Made
}
interface Made {
  readonly result: OutElement | undefined
  /** What was counted. */
  readonly counts: readonly string[]
}
interface Tries {
  known: Known | undefined
  misses: number
}

/** Elements of objects of one class, encoding and character set, about which the same decides. */
export class Recurring {
  readonly #byTag = new Map<number, Tries>()
  #counts: string[] | undefined
  #isOfObject = false

  /** What comes out of an element that is as one before was. */
  find(file: DicomFile, element: Element): Made | undefined {
    const tries = this.#byTag.get(element.tag)
    const known = tries?.known
    if (known?.vr !== element.vr || !file.holds(element, known.value)) return undefined
    if (tries !== undefined) tries.misses = 0
    return known.made
  }

  /** @param make what is asked for the result, and told of what it counts and looks at by `count` and `looksBeyond` */
  learn(
    file: DicomFile,
    element: Element,
    make: () => OutElement | undefined,
  ): OutElement | undefined {
    const tries = this.#triesOf(element)
    if (tries === undefined) return make()
    const counts: string[] = (this.#counts = [])
    this.#isOfObject = false
    const result = make()
    this.#counts = undefined
    if (this.#isOfObject) {
      tries.known = undefined
      return result
    }
    const made = { result: inMemory(file, result), counts }
    tries.known = { vr: element.vr, value: file.bytes(element), made }
    return made.result
  }

  count(what: string): void {
    this.#counts?.push(what)
  }

  /** What is being made depends on more than the element, or says something of this object. */
  looksBeyond(): void {
    this.#isOfObject = true
  }

  /** Where it is worth the while to remember what becomes of it. */
  #triesOf({ tag, length, items, fragments }: Element): Tries | undefined {
    // Overlays depend on the rest of their group, private attributes on who reserved their block.
    const isByItself = !isPrivate(tag) && tag >>> 24 !== 0x60
    if (!isByItself || items !== undefined || fragments !== undefined || length > longestValue)
      return undefined
    let tries = this.#byTag.get(tag)
    if (tries === undefined) {
      if (this.#byTag.size >= mostElements) return undefined
      this.#byTag.set(tag, (tries = { known: undefined, misses: 0 }))
    }
    if (tries.misses === mostMisses) return undefined
    tries.misses += 1
    return tries
  }
}

/** A part of this file is none of the next one. */
function inMemory(file: DicomFile, element: OutElement | undefined): OutElement | undefined {
  if (element === undefined || !('copy' in element)) return element
  return { tag: element.tag, vr: element.vr, value: file.bytes(element.copy) }
}
