import { ExitCode, FionaError } from '../error/index.ts'

/**
 * Opens or reads a file that is to be sent.
 * @throws FionaError E_FILE_READ instead of what the system says
 */
export function readToSend<Value>(access: () => Value): Value {
  try {
    return access()
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    throw unreadableToSend(`cannot be read (${code})`, error)
  }
}

/** @param what is wrong with it, to stand behind `a file to be sent` */
export function unreadableToSend(what: string, cause?: unknown): FionaError {
  return new FionaError('E_FILE_READ', `a file to be sent ${what}`, {
    exitCode: ExitCode.badInput,
    cause,
  })
}
