import { constants, existsSync } from 'node:fs'
import { copyFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DicomFile } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { makeDirectories } from '../../storage/index.ts'
import { type ObjectUids, uidsOf } from '../deidentify-object.ts'
import type { DefacingCommand } from './face-policy.ts'
import { makeDefaced } from './make-defaced.ts'
import { type Workplace, defacingError, runDefacing } from './run-defacing.ts'

/** De-identified objects of one series by their SOP Instance UIDs, and where they lie. */
export type HeadSeries = ReadonlyMap<string, string>

export interface DefacingOptions {
  readonly command: DefacingCommand
  /** Of one run, not there yet; gone when it is over. */
  readonly folder: string
  readonly isDurable: boolean
  /** Nothing known of the patient is in what is given, so the command's last words may be told. */
  readonly isQuotable: boolean
}

/**
 * Lets the command deface a series, and puts what it made in the place of what it was given: all of it, or nothing.
 * The command gets copies; what it makes is a study's only when it was made anew and compared.
 * @returns sizes in bytes, by SOP Instance UID
 * @throws FionaError E_DEFACE with what is wrong, in words that tell nothing of the patient
 */
export async function defaceSeries(
  series: HeadSeries,
  { command, folder, isDurable, isQuotable }: DefacingOptions,
): Promise<ReadonlyMap<string, number>> {
  const workplace = {
    given: join(folder, 'given'),
    made: join(folder, 'made'),
    scratch: join(folder, 'scratch'),
  }
  const kept = join(folder, 'kept')
  try {
    for (const path of [folder, ...Object.values(workplace), kept]) {
      await makeDirectories(path, { durable: false, mode: 0o700 })
    }
    await giveCopies(series, workplace)
    await runDefacing(command, workplace, isQuotable)
    const sizes = await takeAll(series, workplace, kept, isDurable)
    for (const [uid, path] of series) await rename(join(kept, `${uid}.dcm`), path)
    return sizes
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** In the order of their UIDs: the same series has the same names on every machine. */
async function giveCopies(series: HeadSeries, { given }: Workplace): Promise<void> {
  const paths = [...series].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [at, [, path]] of paths.entries()) {
    const name = `${String(at + 1).padStart(5, '0')}.dcm`
    await copyFile(path, join(given, name), constants.COPYFILE_FICLONE)
  }
}

async function takeAll(
  series: HeadSeries,
  { made }: Workplace,
  kept: string,
  isDurable: boolean,
): Promise<ReadonlyMap<string, number>> {
  const entries = await readdir(made, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  if (files.some((entry) => !entry.isFile())) {
    throw defacingError('the command left something that is no file')
  }
  if (files.length > series.size) {
    throw defacingError(
      `the command left ${String(files.length)} files, and was given ${String(series.size)}`,
    )
  }
  const sizes = new Map<string, number>()
  let changed = 0
  for (const { parentPath, name } of files) {
    const taken = takeOne(join(parentPath, name), series, kept, isDurable)
    sizes.set(taken.uid, taken.bytes)
    if (taken.isChanged) changed += 1
  }
  const missing = series.size - sizes.size
  if (missing > 0) {
    throw defacingError(
      `the command left out ${String(missing)} of ${String(series.size)} instances`,
    )
  }
  if (changed === 0) throw defacingError('the command changed no pixel of the series')
  return sizes
}

function takeOne(file: string, series: HeadSeries, kept: string, isDurable: boolean) {
  using from = opened(file)
  const uids = identified(from)
  const path = series.get(uids.SOPInstanceUID)
  if (path === undefined) {
    throw defacingError('the command left an instance that it was not given')
  }
  using given = DicomFile.open(path)
  const to = join(kept, `${uids.SOPInstanceUID}.dcm`)
  // The second of one UID finds the first there.
  if (existsSync(to)) throw defacingError('the command left an instance twice')
  return {
    uid: uids.SOPInstanceUID,
    ...makeDefaced(given, from, uids, to, opened, isDurable),
  }
}

function opened(path: string): DicomFile {
  return asIts(() => DicomFile.open(path))
}

function identified(file: DicomFile): ObjectUids {
  return asIts(() => uidsOf(file))
}

/** What cannot be read is the command's doing, unless it is the machine's. */
function asIts<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
    throw defacingError('the command left a file that is no DICOM object, or not a whole one')
  }
}
