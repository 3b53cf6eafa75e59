import { readFile, stat } from 'node:fs/promises'
import { type ExitCode, FionaError } from '../error/index.ts'

/** What a file is, for the errors about it. */
export interface TextFileKind {
  readonly code: string
  /** `rule file` */
  readonly what: string
  /** What to do when there is none to read. */
  readonly hint: string
  readonly exitCode: ExitCode
  /** 16 unless it says so: what is parsed at length must be short. */
  readonly mostMebibytes?: number
  /** No pipe, which may never end and cannot be read again. */
  readonly regular?: boolean
}

/** A whole file that somebody wrote by hand. @throws FionaError of the kind's code */
export async function readTextFile(path: string, kind: TextFileKind): Promise<string> {
  const { code, what, hint, exitCode, mostMebibytes = 16, regular = false } = kind
  const refuse = (message: string, cause?: unknown, remedy = hint): FionaError =>
    new FionaError(code, message, { hint: remedy, exitCode, cause })
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw refuse(`${path} is a directory, not a ${what}`)
    if (regular && !found.isFile()) throw refuse(`${path} is a pipe or a device, not a ${what}`)
    if (found.size > mostMebibytes * 2 ** 20) {
      throw refuse(`the ${what} ${path} is larger than ${String(mostMebibytes)} MiB`)
    }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path))
  } catch (error) {
    if (error instanceof FionaError) throw error
    if (error instanceof TypeError) {
      const remedy = 'save it as UTF-8, for example with iconv -f LATIN1 -t UTF-8'
      throw refuse(`the ${what} ${path} is not UTF-8 text`, error, remedy)
    }
    const reason = (error as NodeJS.ErrnoException).code
    throw refuse(
      reason === 'ENOENT'
        ? `no ${what} at ${path}`
        : `the ${what} ${path} cannot be read (${String(reason)})`,
      error,
    )
  }
}
