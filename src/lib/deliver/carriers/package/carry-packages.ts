import { basename, dirname } from 'node:path'
import { ExitCode, FionaError } from '../../../error/index.ts'
import { makeDirectories, removeDeadTemporaries } from '../../../storage/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { StudyObject } from '../../list-objects.ts'
import { type SeriesPackage, makePackage } from './make-package.ts'
import { packageName } from './package-name.ts'
import type { PackagePlace } from './package-place.ts'

/**
 * Packs each series into one file, for people who have no PACS, and puts that into a folder, of this machine or of an SSH
 * server. The objects of a series count as delivered when its `.md5sum`, the last of its files, is there.
 */
export class PackageCarrier implements Carrier {
  readonly bringsWholeSeries = true
  readonly #place: PackagePlace
  readonly #spool: string
  #isPrepared = false

  /** @param spool where packages lie until they have arrived: needs room for the largest series */
  constructor(place: PackagePlace, spool: string) {
    this.#place = place
    this.#spool = spool
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    if (!this.#isPrepared) {
      await makeDirectories(this.#spool)
      await removeDeadTemporaries(this.#spool)
      this.#isPrepared = true
    }
    for (const folder of foldersOf(objects)) {
      if (waybill.stopping.aborted) return
      await this.#bring(folder, waybill)
    }
  }

  rest(): Promise<void> {
    return this.#place.rest()
  }

  async #bring(folder: readonly StudyObject[], waybill: Waybill): Promise<void> {
    let series = folder.filter((object) => isInItsFolder(object, waybill))
    for (let [first] = series; first !== undefined; [first] = series) {
      const { StudyInstanceUID, SeriesInstanceUID } = first
      const name = packageName({ ...waybill, StudyInstanceUID, SeriesInstanceUID })
      const made = await this.#make(series, name)
      if ('unreadable' in made) {
        // What is to blame is told of, and the others go without it.
        waybill.failed(made.unreadable, made.why)
        series = series.filter((object) => object !== made.unreadable)
        continue
      }
      await this.#put(made, name, waybill)
      return
    }
  }

  async #put(made: SeriesPackage, name: string, waybill: Waybill): Promise<void> {
    await using packed = made
    for (const { extension, path } of packed.files) {
      await this.#place.put(path, `${name}.${extension}`, waybill.stopped)
    }
    for (const [object, sha256] of packed.digests) waybill.arrived(object, sha256)
  }

  async #make(
    series: readonly StudyObject[],
    name: string,
  ): Promise<SeriesPackage | { readonly unreadable: StudyObject; readonly why: FionaError }> {
    let current: StudyObject | undefined
    try {
      return await makePackage(series, name, this.#spool, (object) => {
        current = object
      })
    } catch (error) {
      const isOfFile = error instanceof FionaError && error.code === 'E_FILE_READ'
      if (!isOfFile || current === undefined) throw error
      return { unreadable: current, why: error }
    }
  }
}

/** Packages are named by their series: of two folders with one series the second would take the place of the first. */
function isInItsFolder(object: StudyObject, waybill: Waybill): boolean {
  if (basename(dirname(object.name)) === object.SeriesInstanceUID) return true
  const error = new FionaError(
    'E_FOREIGN_OBJECT',
    'an object is not in the folder of the series that it says it belongs to',
    {
      hint: 'packages are made of folders, one for each series; how did it come there?',
      exitCode: ExitCode.badInput,
    },
  )
  waybill.failed(object, error)
  return false
}

/** Files come folder by folder. */
function* foldersOf(objects: Cargo): Generator<StudyObject[], void, undefined> {
  let folder: StudyObject[] = []
  for (const object of objects) {
    if (folder[0] !== undefined && dirname(folder[0].name) !== dirname(object.name)) {
      yield folder
      folder = []
    }
    folder.push(object)
  }
  if (folder.length > 0) yield folder
}
