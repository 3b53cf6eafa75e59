// A waybill that remembers what a carrier told, and objects for it to carry.
import type { FionaError } from '../../../src/lib/error/index.ts'
import type { Conversion, Waybill } from '../../../src/lib/deliver/carrier.ts'
import { byHand, readDestination } from '../../../src/lib/deliver/destination.ts'
import { listFiles, readObject, type StudyObject } from '../../../src/lib/deliver/list-objects.ts'
import { ExitCode } from '../../../src/lib/error/index.ts'
import type { Study } from '../studies.ts'

export class Told implements Waybill {
  readonly participant: string
  readonly revision: number
  readonly arrivals: string[] = []
  readonly digests = new Map<string, string>()
  readonly failures = new Map<string, FionaError>()
  readonly conversions: Conversion[] = []
  readonly suspects = new Set<string>()
  readonly #stop = new AbortController()
  readonly stopping = this.#stop.signal
  readonly stopped = this.#stop.signal

  constructor(options: { participant?: string; revision?: number } = {}) {
    this.participant = options.participant ?? 'S001'
    this.revision = options.revision ?? 1
  }

  before(): undefined {
    return undefined
  }

  mayBeThere({ SOPInstanceUID }: StudyObject): boolean {
    return this.suspects.has(SOPInstanceUID)
  }

  arrived({ name, SOPInstanceUID }: StudyObject, sha256: string, conversion?: Conversion): void {
    if (conversion !== undefined) this.conversions.push(conversion)
    this.arrivals.push(SOPInstanceUID)
    this.digests.set(name, sha256)
  }

  failed({ SOPInstanceUID }: StudyObject, error: FionaError): void {
    this.failures.set(SOPInstanceUID, error)
  }

  suspect({ SOPInstanceUID }: StudyObject): void {
    this.suspects.add(SOPInstanceUID)
  }

  stop(): void {
    this.#stop.abort()
  }
}

export async function objectsOf({ path, record }: Study): Promise<StudyObject[]> {
  const files = await listFiles(path)
  return files.map((file) => readObject(file, String(record['StudyInstanceUID'])))
}

export const destinationAt = (url: string, more: object = {}) =>
  readDestination('there', { ...byHand, ...more, url }, 'there', ExitCode.usage)
