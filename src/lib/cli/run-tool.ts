import { fstatSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { Socket } from 'node:net'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError, lastWordsOf } from '../error/index.ts'
import { helpText } from './help.ts'
import { isJournalStream } from './journal-stream.ts'
import { Output } from './output.ts'
import { parseArguments } from './parse-arguments.ts'
import { commonOptions, type Tool } from './tool.ts'
import { version } from './version.ts'

/** Parse, run, and turn whatever happens into an exit code and, if need be, two lines on stderr. */
export async function runTool(tool: Tool, argv: readonly string[]): Promise<number> {
  try {
    const { options, common, args, rest } = parseArguments(tool, argv)
    const output = new Output()
    if (common.help === true) {
      await output.write(helpText(tool))
      return ExitCode.ok
    }
    if (common.version === true) {
      await output.write(`${tool.name} ${version}\n`)
      return ExitCode.ok
    }
    // Loaded only now, so that --help answers at once: the logger costs a quarter of Node's own start.
    const { createLog } = await import('./log.ts')
    const configPath = common.config ?? (process.env['FIONA_CONFIG'] || undefined)
    const log = createLog(tool.name, common['log-level'] ?? levelOfEnvironment())
    const signal = stopSignal()
    let loaded: Promise<Config> | undefined
    const code = await tool.run({
      options: options as never,
      args,
      rest,
      configPath,
      log,
      signal,
      config: () =>
        (loaded ??= import('../config/index.ts').then(({ loadConfig }) =>
          loadConfig(configPath, { dataDir: process.env['FIONA_DATA_DIR'] || undefined }),
        )),
      emit: (record) => output.write(`${JSON.stringify(record)}\n`),
      sync: () => output.sync(),
      write: (bytes) => output.write(bytes),
      print: (text) => output.write(`${text}\n`),
      filter: async (logic) => {
        const { runFilter } = await import('./filter.ts')
        return runFilter(tool.name, logic, {
          input: process.stdin,
          write: (text) => output.write(text),
          sync: () => output.sync(),
          log,
          signal,
          now: () => performance.now(),
        })
      },
    })
    return code ?? ExitCode.ok
  } catch (error) {
    return reportAndChoose(error)
  }
}

/** @throws FionaError E_USAGE */
function levelOfEnvironment(): string {
  const level = process.env['FIONA_LOG_LEVEL'] || 'info'
  const levels: readonly string[] = commonOptions['log-level'].choices
  if (levels.includes(level)) return level
  throw new FionaError(
    'E_USAGE',
    `FIONA_LOG_LEVEL is ${JSON.stringify(level)}, which is no level`,
    {
      hint: `one of ${levels.join(', ')}`,
      exitCode: ExitCode.usage,
    },
  )
}

/** What a person reads when a tool cannot go on: `error:` says what, `hint:` what to do. */
function reportAndChoose(error: unknown): number {
  const code = (error as NodeJS.ErrnoException).code
  // Whoever read our stdout has seen enough (`| head`): no error of ours.
  if (code === 'EPIPE') return ExitCode.ok
  // Its priority in systemd's journal.
  const mark = isJournalStream(2) ? '<3>' : ''
  tellWhoStartedIt(error)
  if (error instanceof FionaError) {
    process.stderr.write(`${mark}error: ${error.message}\n`)
    if (error.hint !== undefined) process.stderr.write(`${mark}hint: ${error.hint}\n`)
    return error.exitCode
  }
  if (typeof code === 'string' && Object.hasOwn(constants.errno, code)) {
    process.stderr.write(`${mark}error: ${(error as Error).message}\n`)
    if (code === 'EACCES' || code === 'EPERM') return ExitCode.notAllowed
    return ExitCode.io
  }
  process.stderr.write(
    `${mark}error: internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return ExitCode.internal
}

/** Whoever asks how a part or a stage is hears it from the one that started it. */
function tellWhoStartedIt(error: unknown): void {
  const descriptor = lifeline ?? listener
  if (descriptor === undefined) return
  try {
    writeSync(descriptor, lastWordsOf(error))
  } catch {
    // Nobody is there to hear it; stderr has it.
  }
}

/** A socket of the supervising process: its end of file is that process's end. */
const lifeline = lifelineOfEnvironment()

function lifelineOfEnvironment(): number | undefined {
  const fd = Number(process.env['FIONA_LIFELINE_FD'] ?? Number.NaN)
  return Number.isInteger(fd) && fd > 2 ? fd : undefined
}

/** Within the pipeline of a stage: where last words are heard, and nothing else. */
const listener = listenerOfEnvironment()

function listenerOfEnvironment(): number | undefined {
  const fd = Number(process.env['FIONA_LAST_WORDS_FD'] ?? Number.NaN)
  // For this process alone: what it starts may not have that descriptor, or another thing under its number.
  delete process.env['FIONA_LAST_WORDS_FD']
  try {
    return Number.isInteger(fd) && fd > 2 && fstatSync(fd).isSocket() ? fd : undefined
  } catch {
    return undefined
  }
}

let stopping: AbortSignal | undefined

/**
 * SIGTERM, SIGINT, or the end of the supervising process (its end of the lifeline closes). One for the whole
 * process: a tool that `fiona` runs must hear what came while it was being loaded.
 */
function stopSignal(): AbortSignal {
  return (stopping ??= listenForStop())
}

function listenForStop(): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  if (lifeline !== undefined) {
    // A socket, not a file stream: that would sit in a blocking read, which process.exit() waits for.
    const pipe = new Socket({ fd: lifeline, readable: true, writable: false })
    pipe.on('close', stop).on('error', stop).resume().unref()
    // Children of this process get their own lifeline or none.
    delete process.env['FIONA_LIFELINE_FD']
  }
  return controller.signal
}
