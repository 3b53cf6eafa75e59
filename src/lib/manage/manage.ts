import { doorPart, partsOf } from '../chain/index.ts'
import { checkSite, type Finding } from '../check/index.ts'
import type { Config } from '../config/index.ts'
import {
  askChain,
  closedEverywhere,
  closedParts,
  disabledDoors,
  hasSystemd,
  setDisabled,
  siteStatus,
  startChain,
  statusScreen,
  Systemd,
  wholeChain,
} from '../control/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

export interface Command {
  readonly word: 'start' | 'stop' | 'restart' | 'enable' | 'disable' | 'status' | 'check'
  readonly project: string | undefined
  readonly config: Config
  readonly json: boolean
  /** Options for a `fiona up` that is started. */
  readonly upWords: readonly string[]
  readonly launcher: string
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
}

/** @throws FionaError E_NO_DOOR, E_DISABLED, E_START, E_NOT_RUNNING, E_SYSTEMD, E_CONTROL */
export async function manage(command: Command): Promise<number> {
  const { word, project, config, print } = command
  if (word === 'check') return check(command)
  const systemd = (await hasSystemd()) ? new Systemd() : undefined
  if (word === 'status') {
    const status = await siteStatus(config, systemd)
    await print(command.json ? JSON.stringify(status) : statusScreen(status))
    return status.ok ? ExitCode.ok : ExitCode.someErrors
  }
  const part = project === undefined ? undefined : partOf(config, project)
  if (word === 'start' || word === 'restart') await refuseClosed(config, part, systemd)
  if (systemd !== undefined) {
    const opens = word === 'start' || word === 'restart' || word === 'enable'
    if (opens && part === undefined) await systemd.follow(config)
    await systemd.perform(word, part)
  } else if (word === 'enable' || word === 'disable') await allow(command, part)
  else await drive(command, word, part)
  const done = { start: 'runs', stop: 'is stopped', restart: 'runs', enable: 'is enabled' }
  const what = part ?? 'the chain'
  await print(`${what} ${word === 'disable' ? 'is disabled' : done[word]}`)
  return ExitCode.ok
}

/** @throws FionaError E_NO_DOOR */
function partOf(config: Config, project: string): string {
  if (project === 'default') return doorPart(undefined)
  const { doors } = partsOf(config)
  if (doors.includes(project)) return doorPart(project)
  const isProject = Object.hasOwn(config.projects, project)
  throw new FionaError(
    'E_NO_DOOR',
    isProject
      ? `project ${project} has no door of its own: it comes in by the common one`
      : `no project is called ${JSON.stringify(project)}`,
    {
      hint: isProject
        ? `name default for the common door, or give it one: projects.${project}.receiver: { port: N }`
        : `doors: ${['default', ...doors].join(', ')}`,
      exitCode: ExitCode.usage,
    },
  )
}

/** As the original's storectl start refuses. @throws FionaError E_DISABLED */
async function refuseClosed(
  config: Config,
  part: string | undefined,
  systemd: Systemd | undefined,
): Promise<void> {
  if (systemd !== undefined) {
    const isDisabled = await systemd.isDisabled(part)
    if (isDisabled) throw disabled(part, `fiona-ctl enable${wordOf(part)} allows it again`)
    const reason = part === undefined ? undefined : (await closedEverywhere(config)).get(part)
    if (reason !== undefined) throw disabled(part, reason)
    return
  }
  const isWhole = (await disabledDoors(config.dataDir)).has(wholeChain)
  const reason = isWhole
    ? 'fiona-ctl enable allows the chain again'
    : part === undefined
      ? undefined
      : (await closedParts(config)).get(part)
  if (reason === undefined) return
  throw disabled(isWhole ? undefined : part, reason)
}

function disabled(part: string | undefined, hint: string): FionaError {
  const exitCode = ExitCode.notAllowed
  return new FionaError('E_DISABLED', `${part ?? 'the chain'} is not to run`, { hint, exitCode })
}

/** What stands behind the command to mean this part. */
function wordOf(part: string | undefined): string {
  if (part === undefined) return ''
  return ` ${part === doorPart(undefined) ? 'default' : part.slice(doorPart('').length)}`
}

/** Without systemd: the file says it, the running chain sees it; here it is done at once. */
async function allow(command: Command, part: string | undefined): Promise<void> {
  const { word, config, project } = command
  const isOff = word === 'disable'
  await setDisabled(config.dataDir, project ?? wholeChain, isOff)
  if (part === undefined) {
    if (isOff) await askChain(config.runDir, { do: 'stop' })
    else await drive(command, 'start', undefined)
  } else if (isOff) await askChain(config.runDir, { do: 'stop', part })
  // The file of three characters may close it all the same; then that is said.
  else await askChain(config.runDir, { do: 'start', part })
}

async function drive(
  { config, upWords, launcher, signal }: Command,
  word: 'start' | 'stop' | 'restart',
  part: string | undefined,
): Promise<void> {
  if (part === undefined) {
    if (word !== 'start') await askChain(config.runDir, { do: 'stop' })
    if (word !== 'stop') await startChain(config, launcher, upWords, signal)
    return
  }
  const answer = await askChain(config.runDir, { do: word, part })
  if (answer === undefined && word !== 'stop') {
    throw new FionaError('E_NOT_RUNNING', 'no chain runs on this data directory', {
      hint: 'fiona-ctl start begins it, with all its doors',
      exitCode: ExitCode.unavailable,
    })
  }
}

async function check({ config, json, print }: Command): Promise<number> {
  const findings: Finding[] = [
    { level: 'ok', what: 'configuration', message: config.path ?? 'embedded defaults' },
    ...(await checkSite(config)),
  ]
  for (const { level, what, message, hint, at } of findings) {
    if (json) await print(JSON.stringify({ type: 'check', level, what, message, hint, at }))
    else {
      const place = at === undefined ? '' : `${at}: `
      const remedy = hint === undefined ? '' : `\n         hint: ${hint}`
      await print(`${level.padEnd(8)} ${what}: ${place}${message}${remedy}`)
    }
  }
  return findings.some(({ level }) => level === 'error') ? ExitCode.someErrors : ExitCode.ok
}
