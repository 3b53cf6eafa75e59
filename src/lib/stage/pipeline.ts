import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  getDefaultHighWaterMark,
  setDefaultHighWaterMark,
  type Readable,
  type Writable,
} from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError, type LastWords, readLastWords } from '../error/index.ts'
import { endGroup } from '../process/index.ts'

/** The exit code that says: ended well, but left input unread. Free in sysexits (EX_PROTOCOL). */
const leftInput = 76

/**
 * What runs around the administrator's text. bash, because sh cannot tell how the first commands of a
 * pipeline ended: PIPESTATUS can, and the worst of them is the end of the whole.
 *
 * The guard in the background holds the lifeline. When the stage is gone, however it died, the kernel
 * closes the other end, and the guard ends the process group: first asking, then by force.
 *
 * Whoever ends well without having read its input to the end has not done what it was given.
 */
const script = `
fiona_look_behind() {
  fiona_end=$?
  ((fiona_end > 1)) && exit $fiona_end
  # "read -t 0" says whether there is something to read, be it the end.
  if read -r -t 0 && ! LC_ALL=C IFS= read -r -N 1; then exit $fiona_end; fi
  exit ${leftInput}
}
{ trap '' TERM; read -r -u 3; kill -TERM 0; sleep 2; kill -KILL 0; } </dev/null >/dev/null 2>&1 4>&- &
exec 3<&-
fiona_text=$1
set --
set -o pipefail
trap fiona_look_behind EXIT
eval "$fiona_text"$'\\n''fiona_ends=("\${PIPESTATUS[@]}")'
fiona_worst=0
for fiona_end in "\${fiona_ends[@]}"; do
  if ((fiona_end > 1)); then fiona_worst=$fiona_end
  elif ((fiona_end == 1 && fiona_worst == 0)); then fiona_worst=1
  fi
done
exit $fiona_worst
`

/** Exit codes that speak of the surroundings (sysexits, and the shell's "not found"), not of a record. */
const surroundings: ReadonlySet<number> = new Set([
  ExitCode.unavailable,
  ExitCode.cannotCreate,
  ExitCode.io,
  ExitCode.tryAgain,
  ExitCode.notAllowed,
  ExitCode.badConfig,
  leftInput,
  126,
  127,
])

export interface Ending {
  /** 0, or 1 for "done, but error records were written". */
  readonly isClean: boolean
  /** Whether a record may be to blame. */
  readonly maybeRecord: boolean
  /** For people: `exit code 70`, and what a tool of ours said at that. */
  readonly how: string
  /** What it said is to be done. */
  readonly hint?: string | undefined
}

/**
 * @throws FionaError E_STAGE_SYNTAX when the shell does not understand the text, E_STAGE_SHELL without bash
 */
export function checkPipeline(text: string): void {
  const { status, error, stderr } = spawnSync('bash', ['-n', '-c', text, 'pipeline'], {
    encoding: 'utf8',
  })
  if (error !== undefined) {
    throw new FionaError('E_STAGE_SHELL', 'bash cannot be run', {
      hint: 'pipelines need bash: install it',
      exitCode: ExitCode.unavailable,
      cause: error,
    })
  }
  if (text.trim() !== '' && status === 0) return
  throw new FionaError(
    'E_STAGE_SYNTAX',
    text.trim() === '' ? 'the pipeline is empty' : `the pipeline is no shell: ${stderr.trim()}`,
    { hint: "write it in quotes after --: -- 'first | second'", exitCode: ExitCode.usage },
  )
}

function howOf(code: number | null): string {
  return code === leftInput ? 'it ended before its input did' : `exit code ${String(code)}`
}

/**
 * The streams that `open` makes read when they are asked, and once: what is not asked for yet stays with the kernel,
 * where small pieces become one. Of the pipes of a child only the default can be told how far to read ahead.
 */
function withoutReadingAhead<T>(open: () => T): T {
  const usual = getDefaultHighWaterMark(false)
  setDefaultHighWaterMark(false, 1)
  try {
    return open()
  } finally {
    setDefaultHighWaterMark(false, usual)
  }
}

const longestWords = 4096
/** Nobody of a group that was killed holds it open for longer, unless it left the group. */
const wordsMs = 500

interface Ear {
  /** So far. */
  readonly heard: () => boolean
  /** For who asks at the end: what was said, once all of it has come. */
  readonly words: () => Promise<LastWords | undefined>
  readonly close: () => void
}

function listenTo(socket: Readable | null | undefined): Ear {
  let text = ''
  const over = new Promise<void>((resolve) => {
    if (socket === null || socket === undefined) resolve()
    else {
      socket.setEncoding('utf8').once('close', resolve).on('error', resolve)
      socket.on('data', (chunk: string) => (text = (text + chunk).slice(0, longestWords)))
    }
  })
  const words = async (): Promise<LastWords | undefined> => {
    await Promise.race([over, delay(wordsMs, undefined, { ref: false })])
    socket?.destroy()
    return readLastWords(text)
  }
  return { heard: () => text !== '', words, close: () => socket?.destroy() }
}

/** A shell pipeline in a process group of its own. */
export class Pipeline {
  readonly output: Readable
  /** Resolves when the shell has ended, and everything that still belonged to its group with it. */
  readonly ended: Promise<Ending>
  #child: ChildProcess
  #input: Writable
  #ear: Ear
  #writes = 0

  constructor(text: string, environment: NodeJS.ProcessEnv) {
    // detached: a group (and session) of its own, so that Ctrl-C reaches the stage alone.
    // --norc: with a socket for stdin, which our pipes are, bash takes itself for a remote shell and would read ~/.bashrc.
    const child = withoutReadingAhead(() =>
      spawn('bash', ['--norc', '-c', script, 'fiona-stage', text], {
        // The fifth is for the last words of our tools; what others say stands on stderr alone.
        stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
        env: { ...environment, FIONA_LAST_WORDS_FD: '4' },
        detached: true,
      }),
    )
    const { stdin: input, stdout: output } = child
    // Without a free file descriptor there are none.
    if (input === null || output === null) {
      throw new FionaError('E_STAGE_SPAWN', 'no shell can be started', {
        hint: 'the limit of open files or processes may be reached',
        exitCode: ExitCode.tryAgain,
        retryable: true,
      })
    }
    this.#child = child
    this.#input = input
    this.output = output
    // Whatever happens to the pipe is told by the end of the process.
    this.#input.on('error', () => undefined)
    child.stdio[3]?.on('error', () => undefined)
    this.#ear = listenTo(child.stdio[4] as Readable | null | undefined)
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        resolve({ isClean: false, maybeRecord: false, how: error.message })
      })
      child.once('exit', (code, signal) => {
        // The guard, and what a broken pipeline left behind.
        this.kill()
        this.#input.destroy()
        ;(child.stdio[3] as Writable | null | undefined)?.destroy()
        const isClean = code === 0 || code === 1
        const maybeRecord = code === null || !surroundings.has(code)
        const how = signal === null ? howOf(code) : `signal ${signal}`
        if (isClean) {
          this.#ear.close()
          resolve({ isClean, maybeRecord, how })
        } else {
          void this.#ear.words().then((said) => {
            const why = said === undefined ? how : `${how}: ${said.error}`
            resolve({ isClean, maybeRecord, how: why, hint: said?.hint })
          })
        }
      })
    })
  }

  /** Resolves when the pipeline has taken it (backpressure), or is gone. */
  async write(data: Buffer | string): Promise<void> {
    this.#writes++
    await new Promise<void>((resolve) => {
      this.#input.write(data, () => {
        resolve()
      })
    })
    this.#writes--
  }

  /** True while it has not taken what was written: it is busy, or slow. */
  get isWriting(): boolean {
    return this.#writes > 0
  }

  /** A tool of ours in it has given up; others may not know of that yet. */
  get hasSpoken(): boolean {
    return this.#ear.heard()
  }

  /** No more input: let it drain. */
  end(): void {
    this.#input.end()
  }

  /** Its process group; undefined when it could not be started. */
  get group(): number | undefined {
    return this.#child.pid
  }

  /** All of its group, at once. */
  kill(): void {
    endGroup(this.#child.pid)
  }
}
