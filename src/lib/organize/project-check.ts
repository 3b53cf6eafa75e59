import { lstatSync, type Dirent } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { FionaError } from '../error/index.ts'
import type { Intake } from '../intake/index.ts'
import { isTemporaryInUse, projectOfArchived } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'
import { uidOfName, walkArchives, type Archived, type Place } from './archive-walk.ts'
import { readArchived } from './archived-object.ts'
import { ownerBelow, shownBy } from './claim-directory.ts'
import { leadsNowhere } from './claim-file.ts'
import { drift, type Drift, type DriftKind, type Finding } from './drift.ts'
import { ExpectedLinks, type ExpectedLink } from './expected-links.ts'
import { SeriesCheck } from './series-check.ts'
import { ViewReader } from './view-reader.ts'
import type { ProjectViews } from './project-views.ts'

/** So many paths are remembered as told. A tree with more that is wrong is told of at some places twice. */
const mostTold = 100_000

type Series = Pick<Place, 'StudyInstanceUID' | 'SeriesInstanceUID'>

/**
 * Holds the views of one project against its archive, from both sides: each object of the archive should be seen where
 * it belongs, and whatever lies in the views should be there for an object. Each link is looked at by itself,
 * so that no list of them is ever held.
 */
export class ProjectCheck {
  readonly #dataDir: string
  readonly #project: string
  readonly #folder: string
  readonly #intake: Intake
  readonly #reader: ViewReader
  readonly #expected: ExpectedLinks
  readonly #views: ProjectViews
  readonly #counts: { objects: number }
  /** Where something else was seen than the link of an object: what lies there was told with the object. */
  readonly #told = new Set<string>()

  /** @param counts where the objects that go by are counted */
  constructor(
    dataDir: string,
    [project, folder]: readonly [string, string],
    views: ProjectViews,
    intake: Intake,
    counts: { objects: number },
  ) {
    this.#views = views
    this.#counts = counts
    this.#dataDir = dataDir
    this.#project = project
    this.#folder = folder
    this.#intake = intake
    this.#reader = new ViewReader(dataDir)
    this.#expected = new ExpectedLinks(dataDir, views, this.#reader)
  }

  *findings(): Generator<Finding> {
    yield* this.#archivedSeries()
    yield* this.#rawTree()
    for (const [view, levels] of this.#views.treesOf(this.#project)) {
      yield* this.#root(view)
      yield* this.#below(view, join(this.#folder, view), levels)
    }
  }

  /** From the archive: is everything seen? */
  *#archivedSeries(): Generator<Finding> {
    if (lstatSync(join(this.#folder, 'archive'), { throwIfNoEntry: false }) === undefined) return
    let series: Series | undefined
    let check: SeriesCheck | undefined
    for (const archived of walkArchives(this.#dataDir, this.#project)) {
      const { place } = archived
      if (place === undefined) continue
      if (check === undefined || !isSame(place, series)) {
        if (check !== undefined && series !== undefined) yield* this.#endSeries(series, check)
        series = place
        check = this.#begin(place)
      }
      this.#counts.objects++
      yield* this.#object(archived, check)
    }
    if (check !== undefined && series !== undefined) yield* this.#endSeries(series, check)
  }

  #begin(series: Series): SeriesCheck {
    return new SeriesCheck(this.#rawOf(series), (path) => this.#reader.see(path))
  }

  *#object(archived: Archived, check: SeriesCheck): Generator<Finding> {
    const { path, place } = archived
    let links: ExpectedLink[]
    try {
      links = readArchived(this.#intake, archived, (record, file) => {
        check.object(record, file)
        return this.#expected.of(record, file)
      })
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      const raw = place === undefined ? path : join(this.#rawOf(place), nameOf(path))
      const isCounted = raw.endsWith(`/${place?.SOPInstanceUID ?? ''}.dcm`)
      if (isCounted && this.#reader.see(raw).is === 'link') check.unreadableObject()
      yield { path, error }
      return
    }
    for (const link of links) yield this.#judge(link)
  }

  #judge({ view, path, text }: ExpectedLink): Finding {
    const seen = this.#reader.see(path)
    if (seen.is === 'nothing') return this.#drift(view, 'missing', path, { expected: text })
    if (seen.is === 'link' && seen.text === text) return undefined
    if (this.#told.size < mostTold) this.#told.add(path)
    if (seen.is !== 'link') return this.#drift(view, 'blocked', path, { expected: text })
    return this.#drift(view, 'wrong', path, { expected: text, found: seen.text })
  }

  /** What lies in `raw` for this series and is no object of the archive; then its JSON, which tells of both. */
  *#endSeries(series: Series, check: SeriesCheck): Generator<Finding> {
    const directory = this.#rawOf(series)
    for (const entry of this.#reader.entries(directory)) {
      const path = join(directory, entry.name)
      if (this.#archivedFile(series, entry.name) === undefined) {
        yield* this.#linkOfNoArchived(path, entry, series, check)
      } else yield undefined
    }
    for (const found of check.end()) {
      const { drift: kind, ...more } = found
      yield this.#drift('raw', kind, check.path, more)
    }
  }

  /** A link to an object that was imported in place, if it is right. */
  *#linkOfNoArchived(
    path: string,
    entry: Dirent,
    series: Series,
    check: SeriesCheck,
  ): Generator<Finding> {
    const target = this.#objectBehind(path)
    if (target === undefined) {
      yield this.#unasked('raw', path, entry)
      return
    }
    const SOPInstanceUID = uidOfName(entry.name) ?? ''
    const place: Place = { ...series, SOPInstanceUID }
    const archived: Archived = { kind: 'object', project: this.#project, path: target, place }
    let links: ExpectedLink[]
    try {
      links = readArchived(this.#intake, archived, (record, file) => {
        const links = this.#expected.of(record, file)
        // Of objects elsewhere, too, only what belongs here counts.
        if (links.some((link) => link.path === path)) check.object(record, file)
        return links
      })
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      // Who may not read it cannot say that it is wrong.
      if (error.code === 'E_FILE_READ') yield { path: target, error }
      else yield this.#unasked('raw', path, entry)
      return
    }
    if (!links.some((link) => link.path === path)) yield this.#unasked('raw', path, entry)
    else for (const link of links) yield this.#judge(link)
  }

  /** From `raw`: series of which nothing is in the archive. */
  *#rawTree(): Generator<Finding> {
    const raw = join(this.#folder, 'raw')
    yield* this.#root('raw')
    for (const study of this.#reader.entries(raw)) {
      const studyPath = join(raw, study.name)
      if (!study.isDirectory() || !isUid(study.name)) {
        yield this.#unasked('raw', studyPath, study)
        continue
      }
      for (const entry of this.#reader.entries(studyPath)) {
        const path = join(studyPath, entry.name)
        const uid = entry.name.replace(/\.json$/, '')
        const series = { StudyInstanceUID: study.name, SeriesInstanceUID: uid }
        const isJson = uid !== entry.name
        if (!isUid(uid) || (!isJson && !entry.isDirectory())) {
          yield this.#unasked('raw', path, entry)
        } else if (this.#hasArchived(series)) yield undefined
        // A JSON is looked at with its directory where there is one.
        else if (!isJson) yield* this.#endSeries(series, this.#begin(series))
        else if (this.#reader.see(join(studyPath, uid)).is === 'nothing') {
          yield this.#unasked('raw', path, entry)
        }
      }
    }
  }

  /** From the views for people, which have directories of so many levels above their links. */
  *#below(view: string, directory: string, levels: number): Generator<Finding> {
    for (const entry of this.#reader.entries(directory)) {
      const path = join(directory, entry.name)
      if (this.#told.has(path)) yield undefined
      else if (levels > 0 && entry.isDirectory()) yield* this.#below(view, path, levels - 1)
      else if (levels > 0 || !entry.isSymbolicLink()) yield this.#unasked(view, path, entry)
      else yield this.#shown(view, path, entry)
    }
  }

  /** A link for people. That it says the right thing, where it belongs, was looked at with its object. */
  #shown(view: string, path: string, entry: Dirent): Finding {
    const seen = this.#reader.see(path)
    const shown = seen.is === 'link' ? shownBy(seen.text) : undefined
    const raw = shown === undefined ? undefined : join(this.#rawOf(shown), shown.name)
    if (seen.is !== 'link' || shown === undefined || resolve(dirname(path), seen.text) !== raw) {
      return this.#isTold(path, entry.name) ? undefined : this.#unasked(view, path, entry)
    }
    const belongs = this.#belongs(path, shown, shown.name)
    if (belongs === true || this.#isTold(path, entry.name)) return undefined
    const kind = belongs === undefined ? 'dangling' : 'surplus'
    return this.#drift(view, kind, path, { found: seen.text })
  }

  /** Where the link of an object belongs, it was told with the object what this one should say. */
  #isTold(path: string, name: string): boolean {
    const owner = ownerBelow(dirname(path), 0)
    return owner !== undefined && this.#belongs(path, owner, name) === true
  }

  /** Whether the object of this name in a series should be seen at `path`; undefined when there is none. */
  #belongs(path: string, series: Series, name: string): boolean | undefined {
    const SOPInstanceUID = uidOfName(name)
    const object =
      this.#archivedFile(series, name) ?? this.#objectBehind(join(this.#rawOf(series), name))
    if (object === undefined || SOPInstanceUID === undefined) return undefined
    const place = { ...series, SOPInstanceUID }
    const archived: Archived = { kind: 'object', project: this.#project, path: object, place }
    try {
      const links = readArchived(this.#intake, archived, (record, file) =>
        this.#expected.of(record, file),
      )
      return links.some((link) => link.path === path)
    } catch (error) {
      // Told with the object itself, or its link in `raw`.
      if (error instanceof FionaError) return true
      throw error
    }
  }

  /** Something that nobody asks for: where it is a link that leads nowhere, its object is gone. */
  #unasked(view: string, path: string, entry: Dirent): Finding {
    if (isTemporaryInUse(entry.name)) return undefined
    const seen = entry.isSymbolicLink() ? this.#reader.see(path) : undefined
    // Removed meanwhile.
    if (seen?.is === 'nothing') return undefined
    const found = seen?.is === 'link' ? { found: seen.text } : {}
    return this.#drift(
      view,
      seen?.is === 'link' && leadsNowhere(path) ? 'dangling' : 'surplus',
      path,
      found,
    )
  }

  /** The root of a view: whoever put something in its place hides all of it. */
  *#root(view: string): Generator<Finding> {
    const path = join(this.#folder, view)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found !== undefined && !found.isDirectory()) yield this.#drift(view, 'blocked', path)
  }

  /** The file outside of the archives that a link in `raw` leads to. */
  #objectBehind(path: string): string | undefined {
    const name = nameOf(path)
    const seen = this.#reader.see(path)
    if (seen.is !== 'link' || uidOfName(name) === undefined) return undefined
    const target = isAbsolute(seen.text) ? seen.text : resolve(dirname(path), seen.text)
    // An object of an archive has its links from there, and another project's is none of this one's.
    if (projectOfArchived(this.#dataDir, target) !== undefined) return undefined
    return leadsNowhere(target) ? undefined : target
  }

  #archivedFile(series: Series, name: string): string | undefined {
    if (uidOfName(name) === undefined) return undefined
    const path = join(this.#archiveOf(series), name)
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : undefined
  }

  #hasArchived(series: Series): boolean {
    for (const entry of this.#reader.entries(this.#archiveOf(series))) {
      if (entry.isFile() && uidOfName(entry.name) !== undefined) return true
    }
    return false
  }

  #archiveOf({ StudyInstanceUID, SeriesInstanceUID }: Series): string {
    return join(this.#folder, 'archive', StudyInstanceUID, SeriesInstanceUID)
  }

  #rawOf({ StudyInstanceUID, SeriesInstanceUID }: Series): string {
    return join(this.#folder, 'raw', StudyInstanceUID, SeriesInstanceUID)
  }

  #drift(
    view: string,
    kind: DriftKind,
    path: string,
    more: Pick<Drift, 'expected' | 'found' | 'field'> = {},
  ): Drift {
    return drift({ project: this.#project, view, drift: kind, path, ...more })
  }
}

function isSame(place: Series, series: Series | undefined): boolean {
  return (
    place.SeriesInstanceUID === series?.SeriesInstanceUID &&
    place.StudyInstanceUID === series.StudyInstanceUID
  )
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
