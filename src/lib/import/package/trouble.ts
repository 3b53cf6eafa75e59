import { ExitCode, FionaError } from '../../error/index.ts'

type PackageCode =
  | 'E_PACKAGE_BOMB'
  | 'E_PACKAGE_DAMAGED'
  | 'E_PACKAGE_ENCRYPTED'
  | 'E_PACKAGE_NAME'
  | 'E_PACKAGE_TYPE'
  | 'E_PACKAGE_UNSUPPORTED'

/** Of a package or one of its members; whoever opened it says which. */
export function packageTrouble(code: PackageCode, message: string, hint: string): FionaError {
  return new FionaError(code, message, { hint, exitCode: ExitCode.badInput })
}

export function damaged(message: string): FionaError {
  return packageTrouble('E_PACKAGE_DAMAGED', message, 'get it again from where it came')
}
