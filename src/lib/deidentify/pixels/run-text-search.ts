import { spawn } from 'node:child_process'
import { ExitCode, FionaError } from '../../error/index.ts'
import { endGroup } from '../../process/index.ts'
import type { TextSearch } from './pixel-policy.ts'

/** One frame of a device is read in a second or two. */
const mostMilliseconds = 60_000
/** A line for each word; a picture full of noise has some thousand. */
const mostOutputBytes = 16 << 20

/**
 * What the program says of a picture, as a table of words. It gets the picture on its input and answers on its output:
 * no file, no name of anybody in its arguments, nothing of its own messages is kept.
 * @param picture in a format it reads
 * @throws FionaError E_OCR when it is not there, fails, says too much or does not end
 */
export async function runTextSearch(
  { command, languages }: TextSearch,
  picture: Buffer,
): Promise<string> {
  const [program = '', ...args] = command
  const all = [...args, 'stdin', 'stdout', '-l', languages, '--psm', '11', 'tsv']
  return new Promise((resolve, reject) => {
    const child = spawn(program, all, {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group of its own: what it may have started ends with it.
      detached: true,
      // One processor each: several studies are searched at a time. Nothing else of ours is its business.
      env: {
        PATH: process.env['PATH'],
        TESSDATA_PREFIX: process.env['TESSDATA_PREFIX'],
        OMP_THREAD_LIMIT: '1',
        LC_ALL: 'C',
      },
    })
    const output: Buffer[] = []
    let bytes = 0
    const stop = (why: string) => {
      endGroup(child.pid)
      child.stdout.destroy()
      reject(searchError(why))
    }
    const timer = setTimeout(() => {
      stop('does not end')
    }, mostMilliseconds)
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostOutputBytes) stop('says too much')
      else output.push(chunk)
    })
    // It may have ended before it read everything.
    child.stdin.on('error', () => undefined)
    child.on('error', () => {
      clearTimeout(timer)
      reject(searchError('cannot be started'))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (code !== 0) reject(searchError('failed'))
      else resolve(Buffer.concat(output).toString('utf8'))
    })
    child.stdin.end(picture)
  })
}

export function searchError(what: string): FionaError {
  return new FionaError('E_OCR', `the program that looks for text in pixels ${what}`, {
    hint: 'install tesseract-ocr and its languages, or set pixels.ocr of the profile to false',
    exitCode: ExitCode.unavailable,
  })
}
