import { DigestSet } from './digest-set.ts'
import type { Attributes, Sources } from './facts.ts'
import { Study, type Released, type Series } from './study.ts'

/** A study as it lies on disk. What is monotonic time is left out: it means nothing to another process. */
export interface StudyState {
  readonly project?: string
  readonly StudyInstanceUID: string
  readonly revision: number
  readonly instances: number
  readonly bytes: number
  readonly decided: number
  readonly directory?: string
  readonly openedAt: number
  readonly released?: Released
  readonly attributes?: Attributes
  readonly sources: Sources
  readonly series: readonly SeriesState[]
  /** Digests of the objects' names, base64. */
  readonly objects: string
}

type SeriesState = Pick<
  Series,
  'SeriesInstanceUID' | 'instances' | 'bytes' | 'said' | 'decided' | 'sources'
> & {
  readonly attributes?: Attributes
  readonly elsewhere?: readonly (readonly [name: string, path: string])[]
}

export function stateOf(study: Study): StudyState {
  const { project, directory, attributes, released } = study
  return {
    ...(project === undefined ? {} : { project }),
    StudyInstanceUID: study.StudyInstanceUID,
    revision: study.revision,
    instances: study.instances,
    bytes: study.bytes,
    decided: study.decided,
    ...(directory === undefined ? {} : { directory }),
    openedAt: study.openedAt,
    ...(released === undefined ? {} : { released }),
    ...(attributes === undefined ? {} : { attributes }),
    sources: study.sources,
    series: Array.from(study.series.values(), stateOfSeries),
    objects: study.objects.toBase64(),
  }
}

export function studyFrom(state: StudyState): Study {
  const study = new Study(state.project, state.StudyInstanceUID)
  study.revision = state.revision
  study.instances = state.instances
  study.bytes = state.bytes
  study.decided = state.decided
  study.directory = state.directory
  study.openedAt = state.openedAt
  study.released = state.released
  study.attributes = state.attributes
  study.sources = state.sources
  study.objects = DigestSet.fromBase64(state.objects)
  for (const { attributes, elsewhere, ...rest } of state.series) {
    study.series.set(rest.SeriesInstanceUID, {
      ...rest,
      attributes,
      elsewhere: elsewhere === undefined ? undefined : new Map(elsewhere),
      lastAt: 0,
      awaited: false,
    })
  }
  return study
}

function stateOfSeries(series: Series): SeriesState {
  const { attributes, elsewhere } = series
  return {
    SeriesInstanceUID: series.SeriesInstanceUID,
    instances: series.instances,
    bytes: series.bytes,
    said: series.said,
    decided: series.decided,
    sources: series.sources,
    ...(attributes === undefined ? {} : { attributes }),
    ...(elsewhere === undefined ? {} : { elsewhere: [...elsewhere] }),
  }
}
