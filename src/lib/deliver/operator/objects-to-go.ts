import { join } from 'node:path'
import { FionaError } from '../../error/index.ts'
import { DiskLedgers } from '../ledger/disk-ledgers.ts'
import { isUntouched } from '../ledger/ledger.ts'
import { listFiles } from '../list-objects.ts'
import type { LaneReport } from './lane-report.ts'
import type { Taken } from './overview.ts'

/** Some 15 µs each: the answer to a person comes within a second, however much was sent of how many studies. */
const mostLookedUp = 20_000

interface ToGo {
  readonly objects: number
  readonly atMost?: true
}

/**
 * How many objects a destination still lacks of what waits for it: those of the study as it is now, less those that the ledger has as they are
 * now. Of a study with no ledger that is all of it, and nothing is read. What is too much to be looked up counts whole, and that is said.
 */
export class ObjectsToGo {
  readonly #ledgers: DiskLedgers
  #left = mostLookedUp

  /** @param state `<dataDir>/state/fiona-send` */
  constructor(state: string) {
    this.#ledgers = new DiskLedgers(join(state, 'ledger'))
  }

  /** @param inHand what the process says that sends now */
  async of(taken: readonly Taken[], inHand: LaneReport['inHand']): Promise<ToGo> {
    let objects = 0
    let isAtMost = false
    for (const one of latestRevisions(taken)) {
      const toGo = await this.#ofStudy(one, inHand)
      objects += toGo.objects
      isAtMost ||= toGo.atMost === true
    }
    return { objects, ...(isAtMost ? { atMost: true } : {}) }
  }

  async #ofStudy({ record, destination }: Taken, inHand: LaneReport['inHand']): Promise<ToGo> {
    const { requestId, instances, path } = record
    if (!this.#ledgers.has(destination.url, requestId)) return { objects: instances }
    if (instances > this.#left) {
      return inHand?.requestId === requestId
        ? { objects: inHand.of - inHand.sent }
        : { objects: instances, atMost: true }
    }
    this.#left -= instances
    const { delivered, trouble } = await this.#ledgers.known(destination.url, requestId)
    const files = await listFiles(path).catch((error: unknown) => {
      if (error instanceof FionaError) return undefined
      throw error
    })
    if (trouble !== undefined || files === undefined) return { objects: instances, atMost: true }
    const there = files.filter((file) => isUntouched(file, delivered.get(file.name)))
    return { objects: Math.max(instances, files.length) - there.length }
  }
}

/** All revisions of a study lie in one folder, and share one ledger. */
function latestRevisions(taken: readonly Taken[]): Iterable<Taken> {
  const latest = new Map<string, Taken>()
  for (const one of taken) {
    const key = `${one.destination.url} ${one.record.requestId}`
    const other = latest.get(key)
    if (other === undefined || other.record.revision < one.record.revision) latest.set(key, one)
  }
  return latest.values()
}
