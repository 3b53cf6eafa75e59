import type { Delivered } from './entries.ts'

/** What the ledger knows of objects, by their names; a part of what a Map is. */
export interface DeliveredByName {
  readonly size: number
  get(name: string): Delivered | undefined
  has(name: string): boolean
  set(name: string, delivered: Delivered): unknown
  delete(name: string): boolean
  keys(): IterableIterator<string>
  values(): IterableIterator<Delivered>
}

const sumBytes = 32
/** Size, mtimeMs, time, committed. */
const numbersEach = 4
const digits = /^[0-9a-f]{64}$/

/**
 * Studies have a million objects now and then, and as a million JavaScript objects they take gigabytes. So what is as we write it is
 * kept in numbers, some 200 bytes an object, and made an object again when somebody asks; what is in any way different is kept as it is.
 */
export class DeliveredObjects implements DeliveredByName {
  /** By folder, then by SOP Instance UID. */
  readonly #places = new Map<string, Map<string, number>>()
  readonly #others = new Map<string, Delivered>()
  readonly #free: number[] = []
  readonly #classes: string[] = []
  #used = 0
  #numbers = new Float64Array(0)
  #classOf = new Uint16Array(0)
  #sums = Buffer.alloc(0)

  get size(): number {
    return this.#used - this.#free.length + this.#others.size
  }

  get(name: string): Delivered | undefined {
    const { folder, uid } = partsOf(name)
    const place = this.#places.get(folder)?.get(uid)
    return place === undefined ? this.#others.get(name) : this.#at(place, folder, uid)
  }

  has(name: string): boolean {
    const { folder, uid } = partsOf(name)
    return this.#places.get(folder)?.has(uid) === true || this.#others.has(name)
  }

  set(name: string, delivered: Delivered): void {
    const { folder, uid } = partsOf(name)
    if (!isAsUsual(delivered, name, uid)) {
      this.delete(name)
      this.#others.set(name, delivered)
      return
    }
    this.#others.delete(name)
    let places = this.#places.get(folder)
    if (places === undefined) this.#places.set(folder, (places = new Map<string, number>()))
    let place = places.get(uid)
    // The UID of the object is a text of its own; a piece of its name would keep all of the name.
    if (place === undefined) places.set(delivered.SOPInstanceUID, (place = this.#newPlace()))
    const { SOPClassUID, size, mtimeMs, sha256, time, committed } = delivered
    const numbers = [size, mtimeMs, Date.parse(time), committed ? Date.parse(committed) : NaN]
    this.#numbers.set(numbers, place * numbersEach)
    this.#classOf[place] = this.#numberOf(SOPClassUID)
    this.#sums.write(sha256, place * sumBytes, 'hex')
  }

  delete(name: string): boolean {
    const { folder, uid } = partsOf(name)
    const places = this.#places.get(folder)
    const place = places?.get(uid)
    if (place === undefined) return this.#others.delete(name)
    places?.delete(uid)
    this.#free.push(place)
    return true
  }

  *keys(): IterableIterator<string> {
    for (const [folder, places] of this.#places) {
      for (const uid of places.keys()) yield nameOf(folder, uid)
    }
    yield* this.#others.keys()
  }

  *values(): IterableIterator<Delivered> {
    for (const [folder, places] of this.#places) {
      for (const [uid, place] of places) yield this.#at(place, folder, uid)
    }
    yield* this.#others.values()
  }

  #at(place: number, folder: string, uid: string): Delivered {
    const from = place * numbersEach
    const [size = 0, mtimeMs = 0, time = 0, committed = NaN] = this.#numbers.subarray(
      from,
      from + numbersEach,
    )
    const SOPClassUID = this.#classes[(this.#classOf[place] ?? 0) - 1]
    return {
      name: nameOf(folder, uid),
      ...(SOPClassUID === undefined ? {} : { SOPClassUID }),
      SOPInstanceUID: uid,
      size,
      mtimeMs,
      sha256: this.#sums.toString('hex', place * sumBytes, (place + 1) * sumBytes),
      time: new Date(time).toISOString(),
      ...(Number.isNaN(committed) ? {} : { committed: new Date(committed).toISOString() }),
    }
  }

  #newPlace(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#used === this.#classOf.length) this.#grow()
    return this.#used++
  }

  #grow(): void {
    const places = Math.max(16, Math.ceil(this.#used * 1.5))
    const numbers = new Float64Array(places * numbersEach)
    numbers.set(this.#numbers)
    const classOf = new Uint16Array(places)
    classOf.set(this.#classOf)
    const sums = Buffer.alloc(places * sumBytes)
    this.#sums.copy(sums)
    this.#numbers = numbers
    this.#classOf = classOf
    this.#sums = sums
  }

  /** From 1; 0 is none. */
  #numberOf(SOPClassUID: string | undefined): number {
    if (SOPClassUID === undefined) return 0
    const index = this.#classes.indexOf(SOPClassUID)
    return index === -1 ? this.#classes.push(SOPClassUID) : index + 1
  }
}

function partsOf(name: string): { readonly folder: string; readonly uid: string } {
  const slash = name.lastIndexOf('/')
  return { folder: name.slice(0, slash + 1), uid: name.slice(slash + 1, -'.dcm'.length) }
}

function nameOf(folder: string, uid: string): string {
  return `${folder}${uid}.dcm`
}

const keysOfAll = new Set<string>([
  'name',
  'SOPClassUID',
  'SOPInstanceUID',
  'size',
  'mtimeMs',
  'sha256',
  'time',
  'committed',
] satisfies (keyof Delivered)[])

/** It can be made again, exactly, from what is kept of it. */
function isAsUsual(delivered: Delivered, name: string, uid: string): boolean {
  const { SOPInstanceUID, SOPClassUID, size, mtimeMs, sha256, time, committed } = delivered
  return (
    SOPInstanceUID === uid &&
    name.endsWith('.dcm') &&
    delivered.name === name &&
    (SOPClassUID === undefined || typeof SOPClassUID === 'string') &&
    typeof size === 'number' &&
    typeof mtimeMs === 'number' &&
    digits.test(sha256) &&
    isTime(time) &&
    (committed === undefined || isTime(committed)) &&
    Object.keys(delivered).every((key) => keysOfAll.has(key))
  )
}

function isTime(text: string): boolean {
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString() === text
}
