import { dirname } from 'node:path'
import {
  copyIntoPlace,
  inside,
  makeDirectories,
  removeDeadTemporaries,
} from '../../../storage/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { StudyObject } from '../../list-objects.ts'
import { Throttle } from '../../throttle.ts'
import { bringTogether } from '../bring-together.ts'
import { objectPlace } from '../object-place.ts'
import { occupied } from '../occupied.ts'
import { folderTrouble } from './folder-trouble.ts'

/** As many are under way at once: each waits for the disk most of the time. */
const atOnce = 8

/**
 * Copies objects to `<folder>/<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm`.
 * A name appears when its file is whole and on stable storage. The same bytes under the name count as
 * delivered. Other bytes there are an error, unless they are what was delivered before for the same
 * request, or a later revision brings the object anew.
 */
export class FolderCarrier implements Carrier {
  readonly #directory: string
  readonly #throttle: Throttle

  constructor(directory: string, throttle = new Throttle(undefined)) {
    this.#directory = directory
    this.#throttle = throttle
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    const made = new Set<string>()
    const { stopping } = waybill
    await bringTogether(objects, { atOnce, stopping }, async (object) => {
      await this.#throttle.take(object.size, stopping)
      if (!stopping.aborted) await this.#place(object, made, waybill)
    })
  }

  async rest(): Promise<void> {}

  async #place(object: StudyObject, made: Set<string>, waybill: Waybill): Promise<void> {
    const { folders, file } = objectPlace(waybill.participant, object)
    const target = inside(this.#directory, ...folders, file)
    try {
      if (!made.has(dirname(target))) await prepareFolder(dirname(target))
      made.add(dirname(target))
      const before = waybill.before(object)
      const { result, sha256 } = await copyIntoPlace(
        object.path,
        target,
        (there) => waybill.revision > 1 || there === before?.sha256,
      )
      if (result === 'different') waybill.failed(object, occupied('the folder'))
      else waybill.arrived(object, sha256)
    } catch (error) {
      const trouble = folderTrouble(error)
      if (trouble.retryable) throw trouble
      waybill.failed(object, trouble)
    }
  }
}

/** Whoever died while copying here left half an object, under a name that nobody would ever use again. */
async function prepareFolder(folder: string): Promise<void> {
  await makeDirectories(folder)
  await removeDeadTemporaries(folder)
}
