import { ExitCode, FionaError } from '../../error/index.ts'

/** @param place `the folder`, for the message */
export function occupied(place: string): FionaError {
  return new FionaError('E_CONFLICT', `${place} has another object under the same name`, {
    hint: 'nothing was replaced; compare the two, and remove the one there if it is wrong',
    exitCode: ExitCode.cannotCreate,
  })
}
