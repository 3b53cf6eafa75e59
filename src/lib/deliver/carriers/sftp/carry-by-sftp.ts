import { posix } from 'node:path'
import { FionaError } from '../../../error/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { Destination, SftpTarget } from '../../destination.ts'
import type { StudyObject } from '../../list-objects.ts'
import type { Throttle } from '../../throttle.ts'
import { bringTogether } from '../bring-together.ts'
import { objectPlace } from '../object-place.ts'
import { occupied } from '../occupied.ts'
import { RemoteFiles } from './remote-files.ts'
import { upload } from './upload.ts'

/**
 * Copies objects to `<folder>/<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm` of an
 * SSH server, as many at once as the destination's concurrency says, over one connection that is kept for the
 * next study. What lies there already is treated as in a folder.
 */
export class SftpCarrier implements Carrier {
  readonly #destination: Destination
  readonly #target: SftpTarget
  readonly #throttle: Throttle
  /** Directories of the server that are there. */
  readonly #made = new Map<string, Promise<void>>()
  #files: RemoteFiles | undefined

  constructor(destination: Destination, target: SftpTarget, throttle: Throttle) {
    this.#destination = destination
    this.#target = target
    this.#throttle = throttle
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    const files = await this.#connect(waybill.stopped)
    const stop = (): void => {
      files.stop()
    }
    waybill.stopped.addEventListener('abort', stop, { once: true })
    const { concurrency: atOnce } = this.#destination
    const { stopping } = waybill
    try {
      await bringTogether(objects, { atOnce, stopping }, (object) =>
        this.#bring(files, object, waybill),
      )
    } finally {
      waybill.stopped.removeEventListener('abort', stop)
    }
  }

  async rest(): Promise<void> {
    this.#files?.end()
    this.#files = undefined
    this.#made.clear()
  }

  async #connect(signal: AbortSignal): Promise<RemoteFiles> {
    if (this.#files === undefined || this.#files.failure !== undefined) {
      this.#made.clear()
      const { timeoutSeconds } = this.#destination
      this.#files = await RemoteFiles.open(this.#target, timeoutSeconds, signal)
    }
    return this.#files
  }

  async #bring(files: RemoteFiles, object: StudyObject, waybill: Waybill): Promise<void> {
    const { folders, file } = objectPlace(waybill.participant, object)
    try {
      const folder = await this.#makeFolders(files, folders)
      const before = waybill.before(object)
      const { result, sha256 } = await upload(files, object.path, posix.join(folder, file), {
        mayReplace: (there) => waybill.revision > 1 || there === before?.sha256,
        throttle: this.#throttle,
        signal: waybill.stopped,
      })
      if (result === 'different') waybill.failed(object, occupied('the server'))
      else waybill.arrived(object, sha256)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      if (error.code !== 'E_FILE_READ') throw error
      waybill.failed(object, error)
    }
  }

  /** One by one, each once; those of the configured path too. @returns the innermost */
  async #makeFolders(files: RemoteFiles, folders: readonly string[]): Promise<string> {
    const { directory } = this.#target
    const names = [...directory.split('/').filter((name) => name !== ''), ...folders]
    let path = directory.startsWith('/') ? '/' : ''
    for (const name of names) {
      path = path === '' ? name : posix.join(path, name)
      let made = this.#made.get(path)
      if (made === undefined) this.#made.set(path, (made = files.makeDirectory(path)))
      try {
        await made
      } catch (error) {
        // It is asked for anew with the next object.
        this.#made.delete(path)
        throw error
      }
    }
    return path
  }
}
