import { FionaError } from '../../../error/index.ts'
import { makeDirectories, removeDeadTemporaries } from '../../../storage/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { StudyObject } from '../../list-objects.ts'
import { makePackage } from './make-package.ts'
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
    for (const series of seriesOf(objects)) {
      if (waybill.stopping.aborted) return
      await this.#bring(series, waybill)
    }
  }

  rest(): Promise<void> {
    return this.#place.rest()
  }

  async #bring(series: StudyObject[], waybill: Waybill): Promise<void> {
    const [first] = series
    if (first === undefined) return
    const { StudyInstanceUID, SeriesInstanceUID } = first
    const name = packageName({ ...waybill, StudyInstanceUID, SeriesInstanceUID })
    let current: StudyObject | undefined
    const onObject = (object: StudyObject): void => {
      current = object
    }
    try {
      await using made = await makePackage(series, name, this.#spool, onObject)
      for (const { extension, path } of made.files) {
        await this.#place.put(path, `${name}.${extension}`, waybill.stopped)
      }
      for (const object of series) waybill.arrived(object, made.digests.get(object) ?? '')
    } catch (error) {
      const isOfFile = error instanceof FionaError && error.code === 'E_FILE_READ'
      if (!isOfFile || current === undefined) throw error
      // What is to blame is told of, and the others go without it.
      waybill.failed(current, error)
      await this.#bring(
        series.filter((object) => object !== current),
        waybill,
      )
    }
  }
}

/** Files come in the order of their names, which begin with the series. */
function* seriesOf(objects: Cargo): Generator<StudyObject[], void, undefined> {
  let series: StudyObject[] = []
  for (const object of objects) {
    if (series[0] !== undefined && series[0].SeriesInstanceUID !== object.SeriesInstanceUID) {
      yield series
      series = []
    }
    series.push(object)
  }
  if (series.length > 0) yield series
}
