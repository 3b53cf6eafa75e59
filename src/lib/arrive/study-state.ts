import { sharedSources, type Attributes, type Sources } from './facts.ts'
import { Study, type Released, type Series } from './study.ts'

/**
 * A study as it lies on disk, but for the digests that have no room in its line. What is monotonic time is left
 * out: it means nothing to another process.
 */
export interface StudyState {
  readonly project?: string | undefined
  readonly StudyInstanceUID: string
  readonly revision: number
  readonly instances: number
  readonly bytes: number
  readonly decided: number
  readonly directory?: string | undefined
  readonly openedAt: number
  readonly released?: Released | undefined
  readonly attributes?: Attributes | undefined
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
  /** Where some object has several frames. */
  readonly images?: number | undefined
  readonly attributes?: Attributes | undefined
  readonly elsewhere?: readonly (readonly [name: string, path: string])[] | undefined
}

/** What is undefined is left out by JSON. In one literal: put together of parts, it would fill the old generation. */
function stateOf(study: Study, objects: string): StudyState {
  return {
    project: study.project,
    StudyInstanceUID: study.StudyInstanceUID,
    revision: study.revision,
    instances: study.instances,
    bytes: study.bytes,
    decided: study.decided,
    directory: study.directory,
    openedAt: study.openedAt,
    released: study.released,
    attributes: study.attributes,
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
  for (const { attributes, elsewhere, sources, images, ...rest } of state.series) {
    study.series.set(rest.SeriesInstanceUID, {
      ...rest,
      images: images ?? rest.instances,
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
  const { attributes, elsewhere, images, instances } = series
  return {
    SeriesInstanceUID: series.SeriesInstanceUID,
    instances,
    images: images === instances ? undefined : images,
    bytes: series.bytes,
    said: series.said,
    decided: series.decided,
    sources: series.sources,
    attributes,
    elsewhere: elsewhere === undefined ? undefined : [...elsewhere],
  }
}
