import { lstatSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DicomFile, tagOf } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { parseUid, type Uid } from '../uid/index.ts'

/** A file of a study that is to be delivered. */
export interface StudyFile {
  readonly path: string
  /** Below the study's directory: `<SeriesInstanceUID>/<SOPInstanceUID>.dcm`. */
  readonly name: string
  readonly size: number
  readonly mtimeMs: number
}

/** What must be known of an object to send it. */
export interface StudyObject extends StudyFile {
  readonly SOPClassUID: Uid
  readonly SOPInstanceUID: Uid
  readonly SeriesInstanceUID: Uid
  readonly StudyInstanceUID: Uid
  readonly transferSyntaxUID: Uid
  readonly dataSetOffset: number
}

/** A study, its series: nothing that we write lies deeper. */
const deepest = 4

/**
 * The `.dcm` files of a study's directory, in the order of their names. Symbolic links are not
 * followed: nothing outside the directory can be sent through it.
 * @throws FionaError E_STUDY_MISSING when there is no such directory, E_STUDY_UNREADABLE
 */
export async function listFiles(directory: string): Promise<StudyFile[]> {
  try {
    const found = await lstat(directory).catch((error: unknown) => {
      if (absent.has(String((error as NodeJS.ErrnoException).code))) return undefined
      throw error
    })
    if (found?.isDirectory() !== true) throw missing()
    return await walk(directory)
  } catch (error) {
    if (error instanceof FionaError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new FionaError(
      'E_STUDY_UNREADABLE',
      `the directory of the study cannot be read (${code})`,
      {
        hint: 'may this user read it?',
        retryable: true,
        exitCode: ExitCode.io,
        cause: error,
      },
    )
  }
}

const absent = new Set(['ENOENT', 'ENOTDIR'])

function missing(): FionaError {
  return new FionaError('E_STUDY_MISSING', 'the directory of the study is not there', {
    hint: 'was it removed before it was delivered? De-identify the study again',
    exitCode: ExitCode.badInput,
  })
}

async function walk(directory: string): Promise<StudyFile[]> {
  const files: StudyFile[] = []
  const into = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(directory, below), { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory() && depth < deepest) await into(name, depth + 1)
      if (!entry.isFile() || !entry.name.endsWith('.dcm')) continue
      const path = join(directory, name)
      // A turn through the thread pool takes ten times as long.
      const { size, mtimeMs } = lstatSync(path)
      files.push({ path, name, size, mtimeMs })
      if (files.length % 256 === 0) await setImmediate()
    }
  }
  await into('', 1)
  return files
}

const tags = {
  SOPClassUID: tagOf('SOPClassUID') ?? 0,
  SOPInstanceUID: tagOf('SOPInstanceUID') ?? 0,
  SeriesInstanceUID: tagOf('SeriesInstanceUID') ?? 0,
  StudyInstanceUID: tagOf('StudyInstanceUID') ?? 0,
}

/**
 * Reads the header of a file.
 * @throws FionaError E_DICOM_PARSE, E_UID_INVALID, or E_FOREIGN_OBJECT when the object says that it
 *   belongs to another study: what it is then, nobody knows, and it does not leave
 */
export function readObject(file: StudyFile, StudyInstanceUID: string): StudyObject {
  using opened = DicomFile.open(file.path, { stopAtPixelData: true })
  const uid = (keyword: keyof typeof tags): Uid =>
    parseUid(opened.string(opened.dataSet, tags[keyword]), keyword)
  const { path, name, size, mtimeMs } = file
  // Fields behind `...file` would cost V8 a hidden class each time, as much as reading the header.
  const object = {
    path,
    name,
    size,
    mtimeMs,
    SOPClassUID: uid('SOPClassUID'),
    SOPInstanceUID: uid('SOPInstanceUID'),
    SeriesInstanceUID: uid('SeriesInstanceUID'),
    StudyInstanceUID: uid('StudyInstanceUID'),
    transferSyntaxUID: parseUid(opened.transferSyntaxUID, 'TransferSyntaxUID'),
    dataSetOffset: opened.dataSetOffset,
  }
  if (object.StudyInstanceUID !== StudyInstanceUID) {
    throw new FionaError('E_FOREIGN_OBJECT', 'an object says that it belongs to another study', {
      hint: 'it was not delivered; how did it come into the directory of this study?',
      exitCode: ExitCode.badInput,
    })
  }
  return object
}
