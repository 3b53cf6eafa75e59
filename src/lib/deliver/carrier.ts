import type { FionaError } from '../error/index.ts'
import type { Delivered } from './ledger/entries.ts'
import type { StudyObject } from './list-objects.ts'

/** Transfer syntaxes: of the file, and of what was sent. */
export interface Conversion {
  readonly from: string
  readonly to: string
}

/** What a carrier tells about each object it was given, as soon as it knows. */
export interface Waybill {
  readonly participant: string
  readonly event?: string | undefined
  /** Later revisions may replace what an earlier one put there. */
  readonly revision: number
  /** What the destination has of this object from an earlier delivery. */
  before(object: StudyObject): Delivered | undefined
  /** It was sent in an earlier try, and the answer to it was lost: the destination may have it. */
  mayBeThere(object: StudyObject): boolean
  /** The destination has it. @param sha256 of the whole file @param conversion when it did not go as it is */
  arrived(object: StudyObject, sha256: string, conversion?: Conversion): void
  /** It was not taken; `retryable` says whether it may be later. */
  failed(object: StudyObject, error: FionaError): void
  /** The way broke while this one was on it: it may be the reason. */
  suspect(object: StudyObject): void
  /** Aborted: take no other object. */
  readonly stopping: AbortSignal
  /** Aborted: give up the one that is under way. */
  readonly stopped: AbortSignal
}

/** What is to be brought. Each object is looked into when its turn comes; one that cannot be sent is told of then. */
export interface Cargo extends Iterable<StudyObject> {
  /** No more than these come. */
  readonly length: number
}

/** Brings objects to one destination. One for all studies that go there, which it brings one after the other. */
export interface Carrier {
  /** Where one object of a series is missing, it is given all of them, one series behind the other. */
  readonly bringsWholeSeries?: boolean
  /**
   * Each object is told of once on the waybill, or not at all when the way broke before its turn.
   * @throws FionaError when the destination cannot be reached or the way broke; `retryable` as usual
   */
  carry(objects: Cargo, waybill: Waybill): Promise<void>
  /** Nothing follows soon: connections that are kept for the next study are closed. */
  rest(): Promise<void>
}
