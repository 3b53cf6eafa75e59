import { DicomFile } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import type { IdentitySearch } from '../search/search-identity.ts'

/**
 * Reads a finished output again, and searches it.
 * @returns attribute paths; undefined for one that cannot be read
 * @throws errors of the system
 */
export function findInOutput(search: IdentitySearch, path: string): string[] | undefined {
  try {
    using file = DicomFile.open(path)
    return search.find(file)
  } catch (error) {
    if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
    return undefined
  }
}
