import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DicomFile, tagOf } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { ObjectSource } from '../intake/index.ts'
import { journalPath, lineFilter, readJournal } from '../journal/index.ts'
import { isRecordOf, parseRecord, type AnyRecord } from '../record/index.ts'
import { archiveStudyPath, namesIn, projectOfArchived, projectOfFolder } from '../storage/index.ts'
import { isUid, type Uid } from '../uid/index.ts'

/** What is there in place of a directory is none of ours. */
const absent = ['ENOENT', 'ENOTDIR']

/** An object, and what is known of how it came. */
export interface ObjectToExplain {
  readonly path: string
  /** Whose tree it lies in; undefined of a file that was not taken in. */
  readonly project: string | undefined
  readonly source: ObjectSource
}

/**
 * What `word` means: a file by its name, else the objects of a study, as the journal received tells of them, or,
 * where that was pruned, as they lie in the archives.
 * @throws FionaError E_STUDY_UNKNOWN, E_FILE_MISSING
 */
export async function objectsToExplain(
  dataDir: string,
  word: string,
  signal: AbortSignal,
): Promise<ObjectToExplain[]> {
  const path = resolve(word)
  if (existsSync(path)) return [fileToExplain(dataDir, path)]
  if (!isUid(word)) {
    throw new FionaError('E_FILE_MISSING', `there is no file at ${path}`, {
      hint: 'name a DICOM file, or a study by its StudyInstanceUID',
      exitCode: ExitCode.badInput,
    })
  }
  const received = await receivedObjects(dataDir, word, signal)
  const objects = received.length > 0 ? received : await archivedObjects(dataDir, word)
  if (objects.length > 0) return objects
  throw new FionaError('E_STUDY_UNKNOWN', `no study ${word} is known`, {
    hint: `neither the journal received nor an archive of ${dataDir} has it; is it the StudyInstanceUID, and the data directory right?`,
    exitCode: ExitCode.badInput,
  })
}

/** Each once for each way it came: an object that was sent again may have come from somebody else. */
async function receivedObjects(
  dataDir: string,
  study: Uid,
  signal: AbortSignal,
): Promise<ObjectToExplain[]> {
  const objects = new Map<string, ObjectToExplain>()
  const ofStudy = lineFilter({ study, type: 'instance' })
  for await (const { lines } of readJournal(journalPath(dataDir, 'received'), { signal })) {
    for (const line of (ofStudy?.(lines) ?? lines).toString().split('\n')) {
      const record = recordOf(line)
      if (record === undefined || !isRecordOf(record, 'instance')) continue
      const { path, project = 'default' } = record
      const { callingAET, calledAET, address } = record.source ?? {}
      const source = {
        ...(callingAET === undefined ? {} : { callingAET }),
        ...(calledAET === undefined ? {} : { calledAET }),
        ...(address === undefined ? {} : { address }),
      }
      objects.set(JSON.stringify([path, project, source]), { path, project, source })
    }
  }
  return [...objects.values()]
}

/** What is no record at all others tell of; here it is passed over. */
function recordOf(line: string): AnyRecord | undefined {
  if (line === '') return undefined
  try {
    return parseRecord(JSON.parse(line))
  } catch {
    return undefined
  }
}

async function archivedObjects(dataDir: string, study: Uid): Promise<ObjectToExplain[]> {
  const objects: ObjectToExplain[] = []
  for (const folder of await namesIn(dataDir, absent)) {
    const project = projectOfFolder(folder)
    if (project === undefined) continue
    const directory = archiveStudyPath(dataDir, project, study)
    for (const series of (await namesIn(directory, absent)).filter(isUid)) {
      for (const name of await namesIn(join(directory, series), absent)) {
        if (!name.endsWith('.dcm')) continue
        const path = join(directory, series, name)
        objects.push({ path, project, source: sourceOfHeader(path) })
      }
    }
  }
  return objects
}

function fileToExplain(dataDir: string, path: string): ObjectToExplain {
  const project = existsSync(dataDir)
    ? projectOfArchived(realpathSync(dataDir), realpathSync(path))
    : undefined
  return { path, project, source: project === undefined ? {} : sourceOfHeader(path) }
}

const sourceApplication = tagOf('SourceApplicationEntityTitle') ?? 0
const receivingApplication = tagOf('ReceivingApplicationEntityTitle') ?? 0

/** The header of an object in the archive says who sent it, and as what (PS3.10 7.1); not from which address. */
function sourceOfHeader(path: string): ObjectSource {
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    const callingAET = file.string(file.meta, sourceApplication)
    const calledAET = file.string(file.meta, receivingApplication)
    return {
      ...(callingAET === undefined ? {} : { callingAET }),
      ...(calledAET === undefined ? {} : { calledAET }),
    }
  } catch (error) {
    // Whoever reads the object itself tells what is wrong with it.
    if (error instanceof FionaError) return {}
    throw error
  }
}
