import type { MppsRecord } from '../record/index.ts'
import type { Study } from './study.ts'

/** What a modality said it has made of a study (PS3.4 annex F), as far as it matters here. */
export interface PerformedStep {
  readonly MPPSInstanceUID: string
  readonly studies: readonly string[]
  readonly status: MppsRecord['status']
  /** When it was heard of: wall clock, ms. */
  readonly at: number
  readonly series: readonly {
    readonly SeriesInstanceUID: string
    readonly instances: readonly string[]
  }[]
}

/** A step that is this old says nothing about objects any more that still come. */
const longestMs = 24 * 3600 * 1000
/** Objects listed in all steps together; with more, the oldest steps are forgotten. */
const mostObjects = 1_000_000

export function stepOf(record: MppsRecord, at: number): PerformedStep | undefined {
  const { MPPSInstanceUID, StudyInstanceUID, studies, status, series = [] } = record
  const all = studies ?? (StudyInstanceUID === undefined ? [] : [StudyInstanceUID])
  if (all.length === 0) return undefined
  return {
    MPPSInstanceUID,
    studies: all,
    status,
    at,
    series: series.map(({ SeriesInstanceUID, instances }) => ({ SeriesInstanceUID, instances })),
  }
}

/**
 * What proves that a study is complete without waiting: a step of it is COMPLETED, none goes on, and every
 * object that its steps list has arrived. Without proof the quiet time decides, as where no modality
 * reports. So a step that is forgotten, never ended or never comes costs time and nothing else.
 */
export class PerformedSteps {
  /** Oldest news first. A step replaces the map of its study, so that what was derived from it is too. */
  readonly #byStudy = new Map<string, ReadonlyMap<string, PerformedStep>>()
  /** Listed, and not here; by the map it was made from. */
  readonly #missing = new WeakMap<
    Study,
    { readonly from: ReadonlyMap<string, PerformedStep>; readonly objects: Set<string> }
  >()
  /** Studies whose steps have nothing more to say, but perhaps to the same study in another project. */
  readonly #done = new Set<string>()
  #objects = 0

  take(step: PerformedStep): void {
    for (const study of this.#done) if (!step.studies.includes(study)) this.#forget(study)
    this.#done.clear()
    for (const study of step.studies) {
      const steps = new Map(this.#byStudy.get(study))
      this.#forget(study)
      // What is over stays so, whatever order records come in.
      const before = steps.get(step.MPPSInstanceUID)
      const isStale =
        step.status === 'IN PROGRESS' && (before?.status ?? step.status) !== step.status
      if (!isStale) steps.set(step.MPPSInstanceUID, step)
      this.#byStudy.set(study, steps)
      this.#objects += countOf(steps)
    }
    for (const [study, steps] of this.#byStudy) {
      const isOld = [...steps.values()].every(({ at }) => at < step.at - longestMs)
      if (!isOld && this.#objects <= mostObjects) return
      this.#forget(study)
    }
  }

  /** Those that still have something to say, each once, in the order of their news. */
  *values(): Iterable<PerformedStep> {
    const told = new Set<string>()
    for (const [study, steps] of this.#byStudy) {
      if (this.#done.has(study)) continue
      for (const step of steps.values()) {
        if (!told.has(step.MPPSInstanceUID)) yield step
        told.add(step.MPPSInstanceUID)
      }
    }
  }

  proves(study: Study): boolean {
    const steps = [...(this.#byStudy.get(study.StudyInstanceUID)?.values() ?? [])]
    return (
      steps.some(({ status }) => status === 'COMPLETED') &&
      steps.every(({ status }) => status !== 'IN PROGRESS') &&
      steps.some(({ series }) => series.some(({ instances }) => instances.length > 0)) &&
      this.#missingOf(study)?.size === 0
    )
  }

  /**
   * An object was counted.
   * @returns true when it is a listed one, and the last that was missing
   */
  counted(study: Study, object: { SeriesInstanceUID: string; SOPInstanceUID: string }): boolean {
    const from = this.#byStudy.get(study.StudyInstanceUID)
    if (from === undefined) return false
    const { SeriesInstanceUID, SOPInstanceUID } = object
    const isNew = this.#missing.get(study)?.from !== from
    const missing = this.#missingOf(study)
    const wasMissing = missing?.delete(keyOf(SeriesInstanceUID, SOPInstanceUID)) === true
    // What is missing was made up with this object there already.
    const isListed = wasMissing || (isNew && lists(from, SeriesInstanceUID, SOPInstanceUID))
    return isListed && missing?.size === 0 && this.proves(study)
  }

  /** For the evidence of a decision: which steps there are, and how many of their objects are not. */
  evidence(study: Study): { mpps?: readonly string[]; missing?: number } {
    const steps = this.#byStudy.get(study.StudyInstanceUID)
    if (steps === undefined) return {}
    return { mpps: [...steps.keys()], missing: this.#missingOf(study)?.size ?? 0 }
  }

  /** A revision was decided. Steps that have nothing more to say are forgotten soon. */
  decided(study: Study): void {
    const steps = this.#byStudy.get(study.StudyInstanceUID)
    const isOver = [...(steps?.values() ?? [])].every(({ status }) => status !== 'IN PROGRESS')
    if (isOver && this.#missingOf(study)?.size === 0) this.#done.add(study.StudyInstanceUID)
  }

  #forget(study: string): void {
    const steps = this.#byStudy.get(study)
    if (steps === undefined) return
    this.#objects -= countOf(steps)
    this.#byStudy.delete(study)
  }

  #missingOf(study: Study): Set<string> | undefined {
    const from = this.#byStudy.get(study.StudyInstanceUID)
    if (from === undefined) return undefined
    const known = this.#missing.get(study)
    if (known?.from === from) return known.objects
    const objects = new Set<string>()
    for (const { series } of from.values()) {
      for (const { SeriesInstanceUID, instances } of series) {
        for (const name of instances) {
          if (!study.has({ SeriesInstanceUID, name })) objects.add(keyOf(SeriesInstanceUID, name))
        }
      }
    }
    this.#missing.set(study, { from, objects })
    return objects
  }
}

function lists(
  steps: ReadonlyMap<string, PerformedStep>,
  SeriesInstanceUID: string,
  SOPInstanceUID: string,
): boolean {
  return [...steps.values()].some(({ series }) =>
    series.some(
      (one) =>
        one.SeriesInstanceUID === SeriesInstanceUID && one.instances.includes(SOPInstanceUID),
    ),
  )
}

function keyOf(SeriesInstanceUID: string, SOPInstanceUID: string): string {
  return `${SeriesInstanceUID}/${SOPInstanceUID}`
}

function countOf(steps: ReadonlyMap<string, PerformedStep>): number {
  let count = 0
  for (const { series } of steps.values()) {
    for (const { instances } of series) count += instances.length
  }
  return count
}
