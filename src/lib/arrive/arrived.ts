import type { InstanceRecord } from '../record/index.ts'
import { objectName } from './object-name.ts'
import type { Arrived } from './study.ts'

/** What a record says of its object, as far as it matters to completion. */
export function arrivedWith(instance: InstanceRecord): Arrived {
  return {
    project: instance.project,
    StudyInstanceUID: instance.StudyInstanceUID,
    SeriesInstanceUID: instance.SeriesInstanceUID,
    SOPInstanceUID: instance.SOPInstanceUID,
    name: objectName(instance),
    path: instance.path,
    bytes: instance.size,
    frames: framesOf(instance),
    sha256: instance.sha256,
    attributes: instance.attributes,
    source: instance.source,
  }
}

/** As its header counts them; undefined where there is one, or no number that could be true. */
function framesOf({ attributes }: InstanceRecord): number | undefined {
  const frames = Number(attributes?.['NumberOfFrames'] ?? 1)
  return Number.isSafeInteger(frames) && frames > 1 ? frames : undefined
}
