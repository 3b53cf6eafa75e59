import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ExitCode, FionaError } from '../error/index.ts'

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/

/**
 * `<dataDir>/journal/<name>`
 * @throws FionaError E_JOURNAL_NAME
 */
export function journalPath(dataDir: string, name: string): string {
  if (!namePattern.test(name)) throw badName('journal', name)
  return join(dataDir, 'journal', name)
}

/** What people write for a journal: a name, a path (anything with a slash) or a `file:` URL. */
export function locateJournal(dataDir: string, written: string): string {
  return written.includes('/') ? journalDirectory(written) : journalPath(dataDir, written)
}

/**
 * The directory of a journal given as a path or URL. The medium is chosen here and nowhere else.
 * @throws FionaError E_JOURNAL_MEDIUM
 */
export function journalDirectory(place: string | URL): string {
  const text = String(place)
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]
  if (scheme === undefined) return resolve(text)
  if (scheme === 'file') return fileURLToPath(text)
  throw new FionaError('E_JOURNAL_MEDIUM', `journals cannot be kept in ${scheme}:`, {
    hint: 'give a name, a directory or a file: URL',
    exitCode: ExitCode.usage,
  })
}

/** A short name for a journal in logs and default stage names. */
export function journalName(written: string): string {
  return written.includes('/') ? basename(journalDirectory(written)) : written
}

/** Readers and writers are named in files beside the segments: the same letters as a journal's name. */
export function checkedName(what: string, name: string): string {
  if (!namePattern.test(name)) throw badName(what, name)
  return name
}

function badName(what: string, name: string): FionaError {
  return new FionaError(
    'E_JOURNAL_NAME',
    `${JSON.stringify(name.slice(0, 60))} is no name for a ${what}`,
    {
      hint: 'letters, digits, dot, dash and underscore, at most 100',
      exitCode: ExitCode.usage,
    },
  )
}

/** The names in `<dataDir>/journal`; none when there is no such directory. */
export async function listJournals(dataDir: string): Promise<string[]> {
  try {
    const entries = await readdir(join(dataDir, 'journal'), { withFileTypes: true })
    return entries
      .flatMap((entry) => (entry.isDirectory() && namePattern.test(entry.name) ? [entry.name] : []))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * The directory of a journal that must be there.
 * @throws FionaError E_JOURNAL_MISSING (exit 65) with the names there are
 */
export async function findJournal(dataDir: string, written: string): Promise<string> {
  const directory = locateJournal(dataDir, written)
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isThere) return directory
  const names = await listJournals(dataDir)
  throw new FionaError('E_JOURNAL_MISSING', `there is no journal at ${directory}`, {
    hint:
      names.length > 0
        ? `in ${dataDir} there are: ${names.join(', ')}`
        : `in ${dataDir} there is none; is --data-dir right?`,
    exitCode: ExitCode.badInput,
  })
}
