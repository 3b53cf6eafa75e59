import { sharedSources, type Attributes, type Sources } from './facts.ts'
import { Study, type Released, type Series } from './study.ts'

/**
 * A study as it lies on disk, but for the digests that have no room in its line. What is monotonic time is left
 * out: it means nothing to another process.
 */
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
  /** The first piece of the digests of its objects' names, base64. */
  readonly objects: string
}

/** A study for the disk: a line with its state, and one for each further piece of its digests. None is long. */
export interface StudyLines {
  readonly state: StudyState
  readonly pieces: Iterable<string>
}

export function linesOf(study: Study): StudyLines {
  const pieces = study.objects.pieces()
  const first = pieces.next()
  return { state: stateOf(study, first.done === true ? '' : first.value), pieces }
}

type SeriesState = Pick<
  Series,
  'SeriesInstanceUID' | 'instances' | 'bytes' | 'said' | 'decided' | 'sources'
> & {
  readonly attributes?: Attributes
  readonly elsewhere?: readonly (readonly [name: string, path: string])[]
}

function stateOf(study: Study, objects: string): StudyState {
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
    objects,
  }
}

/** Further pieces of its digests are for its set of objects. */
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
  study.sources = sharedSources(state.sources)
  study.objects.addPiece(state.objects)
  for (const { attributes, elsewhere, sources, ...rest } of state.series) {
    study.series.set(rest.SeriesInstanceUID, {
      ...rest,
      study,
      sources: sharedSources(sources),
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
