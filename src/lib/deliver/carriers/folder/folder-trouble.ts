import { ExitCode, FionaError } from '../../../error/index.ts'

/** What is wrong with the folder, not with the object: it may be there again later. */
const passing = new Set(['ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'ESTALE'])

/** @returns E_FOLDER for what the file system says; what is ours already as it is. @throws anything else */
export function folderTrouble(error: unknown): FionaError {
  if (error instanceof FionaError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  return new FionaError('E_FOLDER', `the folder cannot be written (${code})`, {
    hint: 'is it mounted, is there space, and may this user write there?',
    retryable: passing.has(code),
    exitCode: ExitCode.cannotCreate,
    cause: error,
  })
}
