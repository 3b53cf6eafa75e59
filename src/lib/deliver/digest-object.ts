import { FionaError } from '../error/index.ts'
import { fileDigest } from '../storage/index.ts'

/** SHA-256 of a file that is to be sent, hex. @throws FionaError E_FILE_READ */
export async function digestObject(path: string): Promise<string> {
  try {
    return await fileDigest(path)
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    throw new FionaError('E_FILE_READ', `a file to be sent cannot be read (${code})`, {
      cause: error,
    })
  }
}
