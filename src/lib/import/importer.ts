import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { beginsLikeDicom, DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Intake, Known, ObjectSource } from '../intake/index.ts'
import type { InstanceRecord, PathRecord } from '../record/index.ts'
import { projectOfArchived } from '../storage/index.ts'
import { copyIntoPart } from './copy-into-part.ts'
import { directoryClassElement, isDirectory } from './directory.ts'
import type { FileEntry } from './entry.ts'
import { shownPath } from './file-path.ts'
import { linkNotCopied, named } from './file-trouble.ts'
import type { PackageOptions } from './import-package.ts'
import type { Imported, Part } from './imported.ts'
import { listedButMissing } from './medium.ts'
import { hasPackageName, packageKind } from './package/index.ts'
import { pathRecord } from './path-record.ts'
import { removeName, SourceFile } from './source-file.ts'

export interface ImporterOptions {
  readonly intake: Intake
  readonly dataDir: string
  /** The real path of `dataDir`: a file below it may be in the archive already. */
  readonly realDataDir: string
  readonly mode: 'copy' | 'move' | 'inPlace'
  /** What records say of the source where the entry says nothing. */
  readonly source?: ObjectSource | undefined
  readonly project?: string | undefined
  /** Files that are no DICOM are errors in folders, too. */
  readonly isStrict?: boolean
}

const sourceApplication = 0x00020016
const receivingApplication = 0x00020018

/** Makes of each file what belongs into the stream. Everything it throws as FionaError names the file. */
export class Importer {
  readonly #options: ImporterOptions

  constructor(options: ImporterOptions) {
    this.#options = options
  }

  /**
   * Objects of the archive itself are never copied or removed: their record is made anew, so that they can be
   * classified again.
   */
  async import(entry: FileEntry): Promise<Imported> {
    const file = new SourceFile(entry.path)
    try {
      return await this.#import(entry, file)
    } catch (error) {
      const other = this.#other(entry, file, error)
      if (other !== undefined) return other
      throw named(shownPath(entry.link ?? entry.path), error)
    } finally {
      file.close()
    }
  }

  /** What an error record says was to be imported: enough to try it again from anywhere. */
  inputOf(entry: FileEntry): PathRecord {
    const { member, source = this.#options.source } = entry
    return pathRecord(entry.link ?? entry.path, { member, source })
  }

  async #import(entry: FileEntry, file: SourceFile): Promise<Imported> {
    const { intake, mode } = this.#options
    if (file.size === 0) throw empty()
    const name = shownPath(file.path)
    // Before anything is copied: whatever is no object shall leave no trace. (Closes nothing: the descriptor is file's.)
    using dicom = DicomFile.fromDescriptor(file.fd, name)
    if (isDirectory(dicom)) return this.#directory(file, dicom)
    const archived = this.#archived(file, dicom)
    if (archived !== undefined) return { record: archived }
    const known = { source: entry.source ?? this.#options.source, project: this.#options.project }
    if (mode === 'inPlace') return { record: this.#inPlace(file, dicom, known) }
    file.requirePlace()
    if (entry.isWalked && entry.link !== undefined) throw linkNotCopied(entry.link)
    const described = { path: name, size: file.size, ...known }
    const stored = await intake.findStored(dicom, file.fd, described)
    const record = stored ?? (await this.#copy(file, known))
    return mode === 'move' ? { record, removeSource: () => removeSource(entry, file) } : { record }
  }

  /** The record of an object that lies in the archive; its header says how it came (PS3.10 7.1). */
  #archived(file: SourceFile, dicom: DicomFile): InstanceRecord | undefined {
    const { intake, dataDir, realDataDir, source } = this.#options
    const place = shownPath(file.path)
    const project = projectOfArchived(realDataDir, place)
    if (project === undefined) return undefined
    const callingAET = dicom.string(dicom.meta, sourceApplication)
    const calledAET = dicom.string(dicom.meta, receivingApplication)
    const came = {
      ...(callingAET === undefined ? {} : { callingAET }),
      ...(calledAET === undefined ? {} : { calledAET }),
      ...source,
    }
    const record = intake.describe(dicom, {
      path: join(dataDir, relative(realDataDir, place)),
      size: file.size,
      project,
      source: Object.keys(came).length === 0 ? undefined : came,
    })
    record.duplicate = true
    return record
  }

  #inPlace(
    file: SourceFile,
    dicom: DicomFile,
    known: Pick<Known, 'source' | 'project'>,
  ): InstanceRecord {
    if (typeof file.path !== 'string') {
      throw new FionaError('E_PATH_ENCODING', 'the name of the file is not UTF-8', {
        hint: 'a record cannot point to it: rename it, or import it without --in-place',
        exitCode: ExitCode.badInput,
      })
    }
    return this.#options.intake.describe(dicom, { path: file.path, size: file.size, ...known })
  }

  async #copy(file: SourceFile, known: Pick<Known, 'source' | 'project'>): Promise<InstanceRecord> {
    const { intake } = this.#options
    const part = await intake.begin()
    let copied
    try {
      copied = await copyIntoPart(file, part)
    } catch (error) {
      await part.discard()
      throw error
    }
    return intake.take(part, { ...copied, ...known })
  }

  /**
   * A medium's list of its objects: they are found by themselves, so the list only tells what should be there
   * and is not. With --move they are not there because they were moved.
   */
  #directory(file: SourceFile, dicom: DicomFile): Imported {
    if (this.#options.mode === 'move') return { skipped: 'directory' }
    return { skipped: 'directory', parts: listedButMissing(file.path, dicom) }
  }

  /** Folders hold other things, too. What begins like DICOM and then fails is damaged, and never passed over. */
  #other(entry: FileEntry, file: SourceFile, error: unknown): Imported | undefined {
    if (!(error instanceof FionaError && error.code === 'E_DICOM_PARSE')) return undefined
    const head = file.head()
    if (head.includes(directoryClassElement)) return { skipped: 'directory' }
    if (head.length === 0 || beginsLikeDicom(head)) return undefined
    if (isMeantAsPackage(entry, head)) return this.#package(entry, file)
    return entry.isWalked && this.#options.isStrict !== true ? { skipped: 'notDicom' } : undefined
  }

  #package(entry: FileEntry, file: SourceFile): Imported {
    const { mode, intake, project, source, isStrict = false } = this.#options
    if (mode === 'inPlace') throw packageInPlace(shownPath(entry.path))
    if (entry.isWalked && entry.link !== undefined) throw linkNotCopied(entry.link)
    const parts = partsOf(entry, {
      intake,
      known: { source: entry.source ?? source, project },
      isStrict,
      inputOf: (member) => this.inputOf({ ...entry, member }),
    })
    // Of a package somebody asked one member of, the others are still wanted.
    if (mode !== 'move' || entry.member !== undefined) return { parts }
    return { parts, removeSource: () => removeSource(entry, file) }
  }
}

/** Loaded when first needed: most imports meet no package. */
async function* partsOf(
  entry: FileEntry,
  options: PackageOptions,
): AsyncGenerator<Part, void, undefined> {
  const { partsOfPackage } = await import('./import-package.ts')
  yield* partsOfPackage(entry, options)
}

/**
 * In folders by its name: documents and programs are ZIP files, too, and hold no DICOM. What somebody named
 * may be called anything.
 */
function isMeantAsPackage(entry: FileEntry, head: Buffer): boolean {
  if (entry.member !== undefined || hasPackageName(shownPath(entry.path))) return true
  return !entry.isWalked && packageKind(head) !== undefined
}

function packageInPlace(path: string): FionaError {
  return new FionaError('E_PACKAGE_IN_PLACE', `${path} is a ZIP or tar file`, {
    hint: 'no record can point into it: import it without --in-place, or unpack it first',
    exitCode: ExitCode.badInput,
  })
}

/** The real path of a data directory, whether it exists yet or not. */
export async function realDataDirectory(dataDir: string): Promise<string> {
  try {
    return await realpath(dataDir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(dataDir) === dataDir)
      throw error
    return join(await realDataDirectory(dirname(dataDir)), basename(dataDir))
  }
}

/** `mv` takes away the name it was given: of a link that is the link. */
async function removeSource(entry: FileEntry, file: SourceFile): Promise<void> {
  if (entry.link === undefined) await file.remove()
  else await removeName(entry.link)
}

function empty(): FionaError {
  return new FionaError('E_DICOM_PARSE', 'the file is empty', {
    hint: 'copying it here may have failed; get it again from where it came',
    exitCode: ExitCode.badInput,
  })
}
