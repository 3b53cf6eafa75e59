import { FionaError } from '../../../error/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { Destination, S3Target } from '../../destination.ts'
import type { StudyObject } from '../../list-objects.ts'
import type { Throttle } from '../../throttle.ts'
import { bringTogether } from '../bring-together.ts'
import { objectPlace } from '../object-place.ts'
import { occupied } from '../occupied.ts'
import { FileInParts } from './file-parts.ts'
import { placeObject } from './put-object.ts'
import { S3Store } from './s3-store.ts'
import { tryStore } from './try-store.ts'

/** The way broke while an object was on it, and that may be why. */
const mayBeOfObject = new Set(['E_S3', 'E_TIMEOUT', 'E_WEB_LOST'])

/**
 * Puts objects into a bucket as `<prefix>/<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm`, as many at once as the
 * destination's concurrency says. What lies there already is treated as in a folder.
 */
export class S3Carrier implements Carrier {
  readonly #store: S3Store
  readonly #target: S3Target
  readonly #connections: number
  readonly #throttle: Throttle
  #keepsWhatIsThere: boolean | undefined

  constructor(destination: Destination, target: S3Target, throttle: Throttle) {
    const { timeoutSeconds, concurrency } = destination
    this.#store = new S3Store(target, timeoutSeconds, concurrency)
    this.#target = target
    this.#connections = concurrency
    this.#throttle = throttle
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    const { prefix } = this.#target
    this.#keepsWhatIsThere ??= await tryStore(this.#store, prefix, waybill.stopped)
    const keeps = this.#keepsWhatIsThere
    const { stopping } = waybill
    await bringTogether(objects, { atOnce: this.#connections, stopping }, (object) =>
      this.#bring(object, keeps, waybill),
    )
  }

  async rest(): Promise<void> {
    this.#store.close()
  }

  async #bring(object: StudyObject, keepsWhatIsThere: boolean, waybill: Waybill): Promise<void> {
    const { prefix, partBytes } = this.#target
    const { folders, file: name } = objectPlace(waybill.participant, object)
    try {
      await using file = await FileInParts.open(object.path, object.size, partBytes)
      const before = waybill.before(object)
      const result = await placeObject(this.#store, `${prefix}${[...folders, name].join('/')}`, {
        file,
        keepsWhatIsThere,
        mayReplace: (there) => waybill.revision > 1 || there === before?.sha256,
        throttle: this.#throttle,
        signal: waybill.stopped,
      })
      if (result === 'different') waybill.failed(object, occupied('the bucket'))
      else waybill.arrived(object, file.sha256)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      if (error.code !== 'E_FILE_READ' && error.code !== 'E_REFUSED') {
        if (mayBeOfObject.has(error.code)) waybill.suspect(object)
        throw error
      }
      waybill.failed(object, error)
    }
  }
}
