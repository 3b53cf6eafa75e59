import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ExitCode, FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { TableMistake } from './cells.ts'
import { Breath } from './breath.ts'
import { readRows } from './read-table.ts'
import { RowIndex } from './row-index.ts'

/** More than any list of people: a million rows have some 60 MB. */
const mostBytes = 256 << 20

export interface TableFile {
  readonly rows: RowIndex
  /** Its last line has an end: whoever is writing it is not in the middle of one. */
  readonly endsWithLine: boolean
}

/**
 * All rows of a table, or none.
 * @throws FionaError E_TABLE (exit 78) with file, line and reason
 */
export async function readTableFile(path: string): Promise<TableFile> {
  try {
    const { size } = await stat(path)
    if (size > mostBytes) {
      throw refused(path, `it has ${String(size)} bytes, more than ${String(mostBytes)}`)
    }
    const text = decode(await readFile(path))
    return { rows: await indexOf(text), endsWithLine: /[\r\n]$/.test(text.slice(-1)) }
  } catch (error) {
    if (error instanceof FionaError || troubleOfSurroundings(error) !== undefined) throw error
    if (error instanceof TableMistake) {
      throw refused(`${path}:${String(error.line)}`, error.message, error)
    }
    if (error instanceof TypeError) {
      throw refused(path, 'it is not UTF-8; save it as "CSV UTF-8" or "Unicode text"', error)
    }
    const { code } = error as NodeJS.ErrnoException
    throw refused(path, `it cannot be read (${String(code)})`, error)
  }
}

/** @throws TableMistake */
async function indexOf(text: string): Promise<RowIndex> {
  const index = new RowIndex()
  const breath = new Breath()
  for (const row of readRows(text)) {
    index.add(row)
    if (breath.isDue) await breath.take()
  }
  return index
}

/** What a table is called in records and lists. */
export function tableName(path: string): string {
  return basename(path)
}

/** UTF-8; UTF-16 where the file begins as that does. */
function decode(bytes: Buffer): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes)
}

function refused(where: string, why: string, cause?: unknown): FionaError {
  return new FionaError('E_TABLE', `the coupling table ${where}: ${why}`, {
    hint: 'correct the table: a header AccessionNumber,ProjectName,subjectid,eventname, or StudyInstanceUID|AccessionNumber|PatientID,project,participant,event, and a row for each study; docs/requests.md',
    exitCode: ExitCode.badConfig,
    cause,
  })
}
