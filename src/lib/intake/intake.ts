import { stat } from 'node:fs/promises'
import { usualDefault, type Config } from '../config/index.ts'
import { DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import {
  archivePath,
  ArchiveWriter,
  fileDigest,
  type ArchivePart,
  type Durability,
  type Syncs,
} from '../storage/index.ts'
import { type Expected, requireAgreement, sizeMismatch } from './as-told.ts'
import { type Known, describeObject } from './describe-object.ts'
import { hasFileHeader, writeWithHeader } from './file-header.ts'
import { FreeSpace } from './free-space.ts'
import { furtherOf } from './further-projects.ts'
import { InflatedParts } from './inflated-parts.ts'
import { ProjectChoice, type ObjectSource } from './project-choice.ts'
import { asStorageError, isStorageError } from './storage-error.ts'
import { StoredTwins } from './stored-twin.ts'

export interface IntakeOptions {
  readonly dataDir: string
  readonly durability?: Durability
  readonly projects: Config['projects']
  /** Which projects an object goes to; the first that matches, else `default`, unless told. */
  readonly choice?: Config['intake']
  /** Below this free space nothing new is taken; 0, the default, leaves that to the file system. */
  readonly reserveBytes?: number
  readonly syncs?: Syncs
}

export interface Taken {
  readonly source?: ObjectSource | undefined
  /** Of the whole part file, hex; it may still be on its way. */
  readonly sha256: string | Promise<string>
  /** Bytes written into the part file. */
  readonly size: number
  /** The first of them, where they are in memory; borrowed until `take` has settled. */
  readonly head?: Buffer | undefined
  readonly expected?: Expected | undefined
  /** Instead of the choice by the projects' `match`. */
  readonly project?: string | undefined
}

/** In messages: its path means nothing to anybody. */
const objectName = 'the received object'

/** The way into the archive; see the paragraph above index.ts. */
export class Intake {
  readonly #writer: ArchiveWriter
  readonly #projects: ProjectChoice
  readonly #sequences: ReadonlySet<number>
  readonly #freeSpace: FreeSpace
  readonly #inflated: InflatedParts
  readonly #twins: StoredTwins

  /** @throws FionaError E_CONFIG (exit 78) when a project's `match` has a mistake */
  constructor(options: IntakeOptions) {
    const { dataDir, durability = 'fsync' } = options
    this.#writer = new ArchiveWriter({ dataDir, durability, syncs: options.syncs })
    this.#projects = new ProjectChoice(options.projects, options.choice)
    this.#sequences = this.#projects.sequences
    this.#inflated = new InflatedParts(() => this.#writer.begin())
    this.#twins = new StoredTwins(durability === 'fsync')
    this.#freeSpace = new FreeSpace(dataDir, options.reserveBytes ?? 0)
  }

  /** Why nothing new can be taken now: E_DISK_FULL, E_ARCHIVE_WRITE. Cheap enough to ask for every megabyte. */
  shortage(): FionaError | undefined {
    return this.#freeSpace.shortage()
  }

  /**
   * Makes the data directory ready, or says at the start that nothing can be kept in it.
   * @throws FionaError E_ARCHIVE_WRITE (exit 73)
   */
  async prepare(): Promise<void> {
    try {
      await this.#writer.prepare()
    } catch (error) {
      const { dataDir } = this.#writer
      const { code } = error as NodeJS.ErrnoException
      throw new FionaError(
        'E_ARCHIVE_WRITE',
        `nothing can be kept in ${dataDir} (${String(code)})`,
        {
          hint: 'give this user a data directory to write in: --data-dir, or dataDir of the configuration',
          exitCode: ExitCode.cannotCreate,
          cause: error,
        },
      )
    }
  }

  /**
   * A part file for one object.
   * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE
   */
  async begin(): Promise<ArchivePart> {
    const shortage = this.shortage()
    if (shortage !== undefined) throw shortage
    try {
      return await this.#writer.begin()
    } catch (error) {
      throw asStorageError(error)
    }
  }

  /**
   * Check the object in the part and put it where it belongs: into the tree of each of its projects. When it
   * resolves the object is durable (with durability `fsync`); its record is the caller's to deliver.
   *
   * A data set without a file header gets one of ours; `size` and `sha256` of the record are then those of
   * the stored file. Of a duplicate they are those of the file that was there first.
   * @throws FionaError the object in quarantine: E_DICOM_PARSE, E_DICOM_LIMIT, E_UID_INVALID,
   *   E_IDENTITY_MISMATCH, E_SIZE_MISMATCH; nothing kept: E_DISK_FULL, E_ARCHIVE_WRITE, E_FILE_READ
   */
  async take(part: ArchivePart, taken: Taken): Promise<InstanceRecord> {
    let inflated: ArchivePart | undefined
    try {
      inflated = await this.#inflated.of(part, objectName, taken.head)
      using file = DicomFile.fromDescriptor(part.fd, objectName, {
        topLevelOnly: true,
        keptSequences: this.#sequences,
        inflated: inflated?.fd,
        head: taken.head,
      })
      if (file.size !== taken.size) throw sizeMismatch(file.size, taken.size)
      const { source, project } = taken
      const record = this.describe(file, { path: part.path, size: taken.size, source, project })
      if (taken.expected !== undefined) requireAgreement(record, taken.expected)
      const { size, sha256 } = taken
      const { dataSetOffset } = file
      if (hasFileHeader(file)) await this.#store(part, record, { size, sha256, dataSetOffset })
      else await this.#storeWithHeader(part, record, file)
      await this.#shareWithFurther(record)
      return record
    } catch (error) {
      throw await this.#refuse(part, asStorageError(error), taken)
    } finally {
      // The object's fate does not hang on this one.
      await inflated?.discard().catch(() => undefined)
    }
  }

  /**
   * The record of an object by its header alone: for objects that stay where they are.
   * @throws FionaError E_UID_INVALID, E_DICOM_PARSE
   */
  describe(file: DicomFile, known: Known): InstanceRecord {
    return describeObject(this.#projects, file, known)
  }

  /**
   * The record, as a duplicate, of an object that is stored already under the same UIDs with the same data set;
   * undefined of any other, which is then to be taken. For doors whose source can be read twice: no object is written.
   * @param fd the open file of `file`
   * @throws FionaError E_UID_INVALID, E_DICOM_PARSE, E_DISK_FULL, E_ARCHIVE_WRITE
   */
  async findStored(file: DicomFile, fd: number, known: Known): Promise<InstanceRecord | undefined> {
    const record = this.describe(file, known)
    const { project = usualDefault } = record
    const path = archivePath(this.#writer.dataDir, { ...record, project })
    const { size, dataSetOffset } = file
    const twin = await this.#twins.find(path, { fd, size, dataSetOffset })
    if (twin === undefined) return undefined
    const stored = { ...record, path, ...twin, duplicate: true }
    try {
      await this.#shareWithFurther(stored)
    } catch (error) {
      throw asStorageError(error)
    }
    return stored
  }

  /**
   * Keep what is no object at all, with the reason beside it.
   * @returns the path it now lies at
   * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE; the part is gone then
   */
  async quarantine(
    part: ArchivePart,
    reason: FionaError | string,
    details: Readonly<Record<string, unknown>>,
    extension?: string,
  ): Promise<string> {
    try {
      return await this.#writer.quarantine(part, reason, details, extension)
    } catch (error) {
      await part.discard().catch(() => undefined)
      throw asStorageError(error)
    }
  }

  /** Puts the part where its record says it belongs, and completes the record. */
  async #store(
    part: ArchivePart,
    record: InstanceRecord,
    bytes: {
      readonly size: number
      readonly sha256: string | Promise<string>
      readonly dataSetOffset: number
    },
  ): Promise<void> {
    const { project = usualDefault, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID } = record
    const { path, duplicate, conflict } = await part.commit({
      project,
      StudyInstanceUID,
      SeriesInstanceUID,
      SOPInstanceUID,
      dataSetOffset: bytes.dataSetOffset,
    })
    // The file that was first may have another header: the record tells of the file it points to.
    const { size, sha256 } = duplicate ? await measure(path) : bytes
    record.path = path
    record.size = size
    record.sha256 = await sha256
    record.duplicate = duplicate
    if (conflict) record.conflict = conflict
  }

  /** Its further projects get the file that is stored by a name of their own; their records are completed. */
  async #shareWithFurther(stored: InstanceRecord): Promise<void> {
    const { path, size, sha256 } = stored
    for (const record of furtherOf(stored)) {
      const { project = usualDefault, ...identity } = record
      const shared = await this.#writer.share(path, { ...identity, project })
      const { duplicate, conflict } = shared
      const bytes = duplicate ? await measure(shared.path) : { size, sha256 }
      Object.assign(
        record,
        { path: shared.path, ...bytes, duplicate },
        conflict ? { conflict } : {},
      )
    }
  }

  async #storeWithHeader(
    part: ArchivePart,
    record: InstanceRecord,
    file: DicomFile,
  ): Promise<void> {
    const whole = await this.#writer.begin()
    try {
      await this.#store(whole, record, await writeWithHeader(file, record, part, whole))
    } catch (error) {
      await whole.discard()
      throw error
    }
    await part.discard()
  }

  /** The error to throw, once the part is dealt with. */
  async #refuse(part: ArchivePart, error: unknown, taken: Taken): Promise<unknown> {
    if (isStorageError(error)) {
      await part.discard().catch(() => undefined)
      return error
    }
    const reason = error instanceof FionaError ? error : 'an internal error, see the log'
    const { source, size, expected } = taken
    try {
      const sha256 = await taken.sha256
      await this.#writer.quarantine(part, reason, { source, size, sha256, expected })
      return error
    } catch (trouble) {
      // Nothing can be kept: the sender must keep it, so it must not hear that the object was at fault.
      await part.discard().catch(() => undefined)
      return asStorageError(trouble)
    }
  }
}

async function measure(path: string): Promise<{ size: number; sha256: string }> {
  const sha256 = await fileDigest(path)
  return { size: (await stat(path)).size, sha256 }
}
