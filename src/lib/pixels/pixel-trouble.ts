import { ExitCode, FionaError } from '../error/index.ts'

/**
 * Pixels that cannot be decoded, or not be written again as honestly as they were.
 * @param what a sentence about them; never a value
 */
export function pixelTrouble(what: string): FionaError {
  return new FionaError('E_PIXELS', `the pixels cannot be masked: ${what}`, {
    hint: 'decompress the object first, or look at it and decide with fiona-anon --release or --drop',
    exitCode: ExitCode.badInput,
  })
}
