import { spawn } from 'node:child_process'
import { ExitCode, FionaError } from '../../error/index.ts'
import { endGroup } from '../../process/index.ts'
import type { DefacingCommand } from './face-policy.ts'

const mostKept = 4096
const longestWords = 120
/** For what is in the pipes when the program has ended. */
const mostDrainedMilliseconds = 1000

/** Folders of one run: nobody else may look into them. */
export interface Workplace {
  /** De-identified copies of one series. */
  readonly given: string
  /** Empty; what the command makes of them is expected there. */
  readonly made: string
  /** Where it is, and may leave what it wants. */
  readonly scratch: string
}

/**
 * Runs the command to its end: its exit code is 0 when this resolves, and nothing of its process group is left. It gets
 * two folders as its last arguments, and of our environment PATH alone.
 * @param isQuotable its last words may be told
 * @throws FionaError E_DEFACE when it is not there, fails or does not end
 */
export async function runDefacing(
  { argv, seconds }: DefacingCommand,
  { given, made, scratch }: Workplace,
  isQuotable: boolean,
): Promise<void> {
  const [program = '', ...args] = argv
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, [...args, given, made], {
      cwd: scratch,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what it may have started ends with it.
      detached: true,
      env: { PATH: process.env['PATH'], HOME: scratch, TMPDIR: scratch, LC_ALL: 'C.UTF-8' },
    })
    let tail = ''
    const hear = (chunk: Buffer) => {
      tail = (tail + chunk.toString('latin1')).slice(-mostKept)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      endGroup(child.pid)
    }, seconds * 1000)
    let outlived: NodeJS.Timeout | undefined
    // What it left running must neither write on nor keep its output open; what left the group cannot be ended.
    child.on('exit', () => {
      endGroup(child.pid)
      outlived = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, mostDrainedMilliseconds)
    })
    child.on('error', () => {
      clearTimeout(timer)
      reject(defacingError('the command cannot be started'))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      clearTimeout(outlived)
      const words = isQuotable ? lastWords(tail) : ''
      const said = words === '' ? '' : `: ${words}`
      if (isLate) reject(defacingError(`the command did not end in ${String(seconds)} s${said}`))
      else if (code === 0) resolve()
      else
        reject(
          defacingError(`the command failed (${signal ?? `exit code ${String(code)}`})${said}`),
        )
    })
  })
}

/** Of what it wrote the last line, printable, without anything that looks like a path. */
export function lastWords(text: string): string {
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  return (lines.at(-1) ?? '')
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/\S*[/\\].*[/\\]\S*|\S*[/\\]\S*/g, '(path)')
    .trim()
    .slice(0, longestWords)
}

export function defacingError(what: string): FionaError {
  return new FionaError('E_DEFACE', what, {
    hint: 'run the command by hand on the objects in the review folder; docs/deidentification.md says what is expected of it',
    exitCode: ExitCode.unavailable,
  })
}
