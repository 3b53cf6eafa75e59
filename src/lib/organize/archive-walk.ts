import { lstatSync, opendirSync, readdirSync, type Dir, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { projectFolder, projectOfFolder, RealDirectories } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'

/** Something that lies in an archive. */
export interface Archived {
  /** `foreign`: whatever FIONA did not put there, symbolic links among it. */
  readonly kind: 'object' | 'foreign'
  readonly project: string
  readonly path: string
  /** Of an object: what its place says that it is. */
  readonly place?: Place
}
export interface Place {
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
}

/** The name of an object, or of another one that came under its UID (`~` and 16 digits). */
const objectName = /^([0-9.]+?)(?:~[0-9a-f]{16})?\.dcm$/
/** Directories of more names are taken as the file system lists them: a million names are never held. */
const mostSorted = 10_000

/**
 * Everything in the archives of a data directory, series by series, in the order of names. No symbolic link is
 * followed.
 * @param project this one's archive only
 * @param isWanted what is in other folders of studies is not looked at
 * @throws FionaError E_FILE_MISSING when there is no such data directory, or no archive of the project
 */
export function* walkArchives(
  dataDir: string,
  project?: string,
  isWanted: (studyFolder: string) => boolean = () => true,
): Generator<Archived> {
  const real = new RealDirectories(dataDir, ledElsewhere)
  for (const [name, folder] of projectsIn(dataDir, () => ['archive'], project)) {
    const archive = join(folder, 'archive')
    for (const study of entriesOf(real, archive)) {
      if (!isWanted(study.name)) continue
      const studyPath = join(archive, study.name)
      if (!study.isDirectory() || !isUid(study.name)) {
        yield { kind: 'foreign', project: name, path: studyPath }
        continue
      }
      for (const series of entriesOf(real, studyPath)) {
        const seriesPath = join(studyPath, series.name)
        if (!series.isDirectory() || !isUid(series.name)) {
          yield { kind: 'foreign', project: name, path: seriesPath }
          continue
        }
        for (const object of entriesOf(real, seriesPath)) {
          const path = join(seriesPath, object.name)
          const uid = uidOfName(object.name)
          if (!object.isFile() || uid === undefined) yield { kind: 'foreign', project: name, path }
          else {
            const place = {
              StudyInstanceUID: study.name,
              SeriesInstanceUID: series.name,
              SOPInstanceUID: uid,
            }
            yield { kind: 'object', project: name, path, place }
          }
        }
      }
    }
  }
}

/** The SOPInstanceUID of the object that a file or link of this name is; undefined of any other name. */
export function uidOfName(name: string): string | undefined {
  const [, uid] = objectName.exec(name) ?? []
  return isUid(uid) ? uid : undefined
}

/**
 * Projects, each with its folder, that have one of their trees in it.
 * @throws FionaError E_FILE_MISSING when there is no such data directory, or nothing of the project
 */
export function projectsIn(
  dataDir: string,
  treesOf: (project: string) => readonly string[],
  project?: string,
): [project: string, folder: string][] {
  const isThere = (project: string, folder: string): boolean =>
    treesOf(project).some((tree) => isDirectoryOrLink(join(folder, tree)))
  if (project !== undefined) {
    const folder = join(dataDir, projectFolder(project))
    if (isThere(project, folder)) return [[project, folder]]
    throw missing(`there is no archive of this project at ${join(folder, 'archive')}`)
  }
  if (!isDirectoryOrLink(dataDir)) throw missing(`there is no data directory at ${dataDir}`)
  const found: [string, string][] = []
  for (const name of readdirSync(dataDir)) {
    const project = projectOfFolder(name)
    const folder = join(dataDir, name)
    if (project !== undefined && isThere(project, folder)) found.push([project, folder])
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The entries of a directory; none where it was removed meanwhile. */
export function* entriesOf(real: RealDirectories, directory: string): Generator<Dirent> {
  let listing: Dir
  try {
    listing = real.within(directory, (path) => opendirSync(path, { bufferSize: 1024 }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  let held: Dirent[] = []
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      if (held.length <= mostSorted) held.push(entry)
      if (held.length <= mostSorted) continue
      // Too many to be sorted: this one is among them, and those behind it come as they are.
      yield* held
      held = []
      for (entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry
      break
    }
  } finally {
    listing.closeSync()
  }
  yield* held.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Also a link in its place: that is refused when it is opened, and not passed over. */
function isDirectoryOrLink(path: string): boolean {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found !== undefined && (found.isDirectory() || found.isSymbolicLink())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw error
  }
}

function missing(message: string): FionaError {
  return new FionaError('E_FILE_MISSING', message, {
    hint: 'give the directory that holds the archive with --data-dir, and one of its projects',
    exitCode: ExitCode.badInput,
  })
}

function ledElsewhere(path: string): FionaError {
  return new FionaError('E_VIEW_BLOCKED', `a symbolic link leads out of the archive at ${path}`, {
    hint: 'find out who made it, and remove it; it was not followed',
    exitCode: ExitCode.cannotCreate,
  })
}
