import { DeliveredRows, type Row } from './delivered-rows.ts'
import type { Delivered } from './entries.ts'
import { canBePacked } from './packed-uid.ts'

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

const digits = /^[0-9a-f]{64}$/
/** As many numbers as a row has room for. */
const mostClasses = 0xffff

/**
 * Studies have a million objects now and then, and as a million JavaScript objects they take gigabytes. So what is as we write it is
 * kept in numbers, some 110 bytes an object, and made an object again when somebody asks; what is in any way different is kept as it is.
 */
export class DeliveredObjects implements DeliveredByName {
  readonly #rows = new DeliveredRows()
  readonly #others = new Map<string, Delivered>()
  /** With the slash. */
  readonly #folders = new Numbered()
  readonly #classes = new Numbered()

  get size(): number {
    return this.#rows.size + this.#others.size
  }

  get(name: string): Delivered | undefined {
    const { folder, uid } = this.#keyOf(name)
    const row = folder === undefined ? undefined : this.#rows.get(folder, uid)
    return row === undefined ? this.#others.get(name) : this.#made(uid, row)
  }

  has(name: string): boolean {
    const { folder, uid } = this.#keyOf(name)
    return (folder !== undefined && this.#rows.has(folder, uid)) || this.#others.has(name)
  }

  set(name: string, delivered: Delivered): void {
    const { folder, uid } = partsOf(name)
    if (!isAsUsual(delivered, name, uid) || this.#classes.size === mostClasses) {
      this.delete(name)
      this.#others.set(name, delivered)
      return
    }
    this.#others.delete(name)
    const { SOPClassUID, size, mtimeMs, sha256, time, committed } = delivered
    this.#rows.set(uid, {
      folder: this.#folders.numberOf(folder),
      sopClass: SOPClassUID === undefined ? 0 : this.#classes.numberOf(SOPClassUID),
      size,
      mtimeMs,
      sha256,
      time: Date.parse(time),
      committed: committed === undefined ? NaN : Date.parse(committed),
    })
  }

  delete(name: string): boolean {
    const { folder, uid } = this.#keyOf(name)
    if (folder !== undefined && this.#rows.delete(folder, uid)) return true
    return this.#others.delete(name)
  }

  *keys(): IterableIterator<string> {
    for (const [uid, { folder }] of this.#rows) yield nameOf(this.#folders.textOf(folder), uid)
    yield* this.#others.keys()
  }

  *values(): IterableIterator<Delivered> {
    for (const [uid, row] of this.#rows) yield this.#made(uid, row)
    yield* this.#others.values()
  }

  /** @returns no folder where no row has that name */
  #keyOf(name: string): { readonly folder: number | undefined; readonly uid: string } {
    const { folder, uid } = partsOf(name)
    const isUsual = name.endsWith('.dcm') && canBePacked(uid)
    return { folder: isUsual ? this.#folders.knownNumberOf(folder) : undefined, uid }
  }

  #made(uid: string, row: Row): Delivered {
    const { folder, sopClass, size, mtimeMs, sha256, time, committed } = row
    return {
      name: nameOf(this.#folders.textOf(folder), uid),
      ...(sopClass === 0 ? {} : { SOPClassUID: this.#classes.textOf(sopClass) }),
      SOPInstanceUID: uid,
      size,
      mtimeMs,
      sha256,
      time: new Date(time).toISOString(),
      ...(Number.isNaN(committed) ? {} : { committed: new Date(committed).toISOString() }),
    }
  }
}

/** Texts that come again and again, each with a number from 1. */
class Numbered {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []

  get size(): number {
    return this.#texts.length
  }

  knownNumberOf(text: string): number | undefined {
    return this.#numbers.get(text)
  }

  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) this.#numbers.set(text, (number = this.#texts.push(text)))
    return number
  }

  textOf(number: number): string {
    return this.#texts[number - 1] ?? ''
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
    canBePacked(uid) &&
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
