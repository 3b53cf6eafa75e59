import { readdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { joinPath, shownPath, type FilePath } from './file-path.ts'
import type { Part } from './imported.ts'
import { pathRecord } from './path-record.ts'

const directoryRecordSequence = 0x00041220
const referencedFileID = 0x00041500
/** Folders of the medium whose names are kept: its records stand folder by folder. */
const mostFolders = 16

/**
 * What a DICOMDIR (PS3.3 F.3) lists and the medium lacks, as parts that fail: discs get scratched, and copies of
 * them are cut short, and nobody sees what is not there. Listed files are only looked for by their names, never
 * opened through the list: a Referenced File ID that leads out of the medium says nothing but that it is wrong.
 * @param path of the DICOMDIR
 */
export function listedButMissing(path: FilePath, dicom: DicomFile): AsyncIterable<Part> {
  // Now: the file is closed when somebody asks for the parts.
  return missingOf(referencedFiles(dicom), path)
}

async function* missingOf(
  files: readonly (readonly string[])[],
  path: FilePath,
): AsyncGenerator<Part, void, undefined> {
  const root = dirname(shownPath(path))
  const medium = new Medium(root)
  for (const file of files) {
    if (file.some(isNoComponent)) {
      yield failing(path, leadsOutside(shownPath(path)))
      continue
    }
    if (await medium.holds(file)) continue
    const missing = joinPath(root, file.join('/'))
    yield failing(missing, notOnMedium(shownPath(missing)))
  }
}

/** The names in each Referenced File ID (PS3.10 8.2). */
function referencedFiles(dicom: DicomFile): string[][] {
  const records = dicom.dataSet.get(directoryRecordSequence)?.items ?? []
  return records
    .map((record) => dicom.strings(record, referencedFileID))
    .filter((id) => id.length > 0)
}

function isNoComponent(name: string): boolean {
  return name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)
}

/**
 * Names as media have them: file systems of discs show them in small letters, or with the version that ISO 9660
 * puts behind them.
 */
class Medium {
  readonly #root: string
  readonly #folders = new Map<string, Promise<ReadonlyMap<string, string>>>()

  constructor(root: string) {
    this.#root = root
  }

  async holds(components: readonly string[]): Promise<boolean> {
    let folder = this.#root
    for (const [index, component] of components.entries()) {
      const name = (await this.#namesIn(folder)).get(folded(component))
      if (name === undefined) return false
      if (index < components.length - 1) folder = `${folder}/${name}`
    }
    return true
  }

  #namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
    let names = this.#folders.get(folder)
    if (names === undefined) {
      const [oldest] = this.#folders.keys()
      if (this.#folders.size >= mostFolders && oldest !== undefined) this.#folders.delete(oldest)
      names = listed(folder)
      this.#folders.set(folder, names)
    }
    return names
  }
}

async function listed(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    // Not behind a link, which may lead out of the medium: whatever is there is not on it.
    if ((await realpath(folder)) !== folder) return new Map()
    return new Map((await readdir(folder)).map((name) => [folded(name), name]))
  } catch {
    return new Map()
  }
}

function folded(name: string): string {
  return name.replace(/;1$/, '').replace(/\.$/, '').toUpperCase()
}

function failing(path: FilePath, error: FionaError): Part {
  return { input: pathRecord(path), import: () => Promise.reject(error) }
}

function notOnMedium(path: string): FionaError {
  return new FionaError(
    'E_MEDIUM_INCOMPLETE',
    `${path} is listed in the DICOMDIR and is not there`,
    {
      hint: 'the medium is damaged or was not copied as a whole: get it again from where it came',
      exitCode: ExitCode.badInput,
    },
  )
}

function leadsOutside(path: string): FionaError {
  return new FionaError('E_MEDIUM_NAME', `${path} lists a file outside of its medium`, {
    hint: 'it was not looked for; find out who made the medium',
    exitCode: ExitCode.badInput,
  })
}
