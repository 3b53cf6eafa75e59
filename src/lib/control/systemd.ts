import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inboxPart, indexPart, partNames, partsOf } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError, type LastWords, readLastWords } from '../error/index.ts'
import { type UnitPlaces, closeProjects, usualPlaces } from './close-projects.ts'
import { escapeInstance, escapePath } from './unit-name.ts'

const execute = promisify(execFile)
const target = 'fiona.target'
/** As many restarts as make a crash loop where no systemd is. */
const crashLoop = 5

export type SystemdWord = 'start' | 'stop' | 'restart' | 'enable' | 'disable'

/** Whether systemd runs here and has our target. */
export async function hasSystemd(running = '/run/systemd/system'): Promise<boolean> {
  if (!existsSync(running)) return false
  const { stdout } = await execute('systemctl', ['show', target, '--property=LoadState']).catch(
    () => ({ stdout: '' }),
  )
  return stdout.trim() === 'LoadState=loaded'
}

/** The unit of a part; undefined: of the whole chain. An inbox has that of its folder. */
export function unitOf(
  part: string | undefined,
  { inboxes }: Pick<Config, 'inboxes'> = { inboxes: [] },
): string {
  if (part === undefined) return target
  if (part === 'receiver') return 'fiona-scp@default.service'
  const project = /^receiver-(.*)$/s.exec(part)?.[1]
  if (project !== undefined) return `fiona-scp@${escapeInstance(project)}.service`
  const journal = /^front-door-(.*)$/.exec(part)?.[1]
  if (journal !== undefined) return `fiona-front-door@${escapeInstance(journal)}.service`
  const inbox = inboxes.find((_, at) => part === inboxPart(at))
  if (inbox !== undefined) return `fiona-inbox@${escapePath(inbox.folder)}.service`
  if (part === 'front-door' || part === 'mpps' || part === indexPart) return `fiona-${part}.service`
  return `fiona-stage@${escapeInstance(part)}.service`
}

export class Systemd {
  /** @throws FionaError E_SYSTEMD with what systemctl said */
  async perform(word: SystemdWord, part: string | undefined): Promise<void> {
    const unit = unitOf(part)
    for (const args of commandsFor(word, part)) await this.#run([...args, '--', unit])
    // The target is stopped before its parts are; stopped means that they are, too.
    if (word !== 'stop' && word !== 'disable') return
    if (part === undefined) await this.#run(['stop', '--', 'fiona-*.service'])
  }

  /**
   * The target wants what the configuration asks for beyond what it wants by itself: doors of projects, inboxes,
   * further front doors, MPPS. What is new there is enabled, what is gone is stopped and disabled; nothing is started
   * here, and what is masked stays closed. What units may not see of the project `default` is closed of each other project, too.
   */
  async follow(config: Config, places: UnitPlaces = usualPlaces): Promise<void> {
    const links = join(places.own, `${target}.wants`)
    const isClosedAnew = await closeProjects(Object.keys(config.projects), places).catch(mayNot)
    if (isClosedAnew) await this.#run(['daemon-reload'])
    const asked = furtherUnits(config)
    const linked: readonly string[] = await readdir(links).catch(() => [])
    const gone = linked.filter((unit) => followsConfiguration.test(unit) && !asked.includes(unit))
    if (gone.length > 0) await this.#run(['disable', '--now', '--', ...gone])
    const added: string[] = []
    for (const unit of asked.filter((unit) => !linked.includes(unit))) {
      const { LoadState } = await this.#show(unit, ['LoadState'])
      if (LoadState !== 'masked') added.push(unit)
    }
    if (added.length > 0) await this.#run(['enable', '--', ...added])
  }

  /** Whether it was closed with disable; undefined: the whole chain. */
  async isDisabled(part: string | undefined): Promise<boolean> {
    const found = await this.#show(unitOf(part), ['LoadState', 'UnitFileState'])
    return part === undefined
      ? found['UnitFileState'] === 'disabled'
      : found['LoadState'] === 'masked'
  }

  async part(
    name: string,
    config?: Pick<Config, 'inboxes'>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const found = await this.#show(unitOf(name, config), [
      ...['LoadState', 'ActiveState', 'MainPID', 'NRestarts', 'StateChangeTimestamp'],
      ...['Result', 'ExecMainStatus', 'InvocationID'],
    ])
    const pid = Number(found['MainPID'])
    const restarts = Number(found['NRestarts'] ?? 0)
    const since = Number(/^@(\d+)/.exec(found['StateChangeTimestamp'] ?? '')?.[1] ?? Number.NaN)
    const how = lastErrorOf(found)
    const words = how === undefined ? undefined : await lastWords(found['InvocationID'])
    const lastError = words === undefined ? how : `${how ?? ''}: ${words.error}`
    return {
      name,
      state: stateOf(found, restarts),
      ...(pid > 0 ? { pid } : {}),
      ...(Number.isNaN(since) ? {} : { since: new Date(since * 1000).toISOString() }),
      restarts,
      ...(lastError === undefined ? {} : { lastError }),
      ...(words?.hint === undefined ? {} : { hint: words.hint }),
    }
  }

  async #show(
    unit: string,
    properties: readonly string[],
  ): Promise<Readonly<Record<string, string>>> {
    const wanted = `--property=${properties.join(',')}`
    const text = await this.#run(['show', '--timestamp=unix', wanted, '--', unit])
    return Object.fromEntries(
      text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    )
  }

  async #run(args: readonly string[]): Promise<string> {
    try {
      return (await execute('systemctl', args)).stdout
    } catch (error) {
      const { stderr } = error as { stderr?: string }
      throw new FionaError('E_SYSTEMD', `systemctl ${args.join(' ')}: ${stderr?.trim() ?? ''}`, {
        hint: 'run it as root; journalctl -u UNIT tells more',
        exitCode: ExitCode.unavailable,
        cause: error,
      })
    }
  }
}

function mayNot(error: unknown): never {
  const { code, path = '' } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  throw new FionaError('E_SYSTEMD', `${path} cannot be written (${code})`, {
    hint: 'run it as root',
    exitCode: ExitCode.unavailable,
    cause: error,
  })
}

/** Units that exist because the configuration names what they are for. */
const followsConfiguration = /^fiona-(?:(?:scp|inbox|front-door)@.+|stage@request)\.service$/

/** Those that `fiona.target` does not want by itself. */
function furtherUnits(config: Config): readonly string[] {
  return partNames(partsOf(config))
    .map((part) => unitOf(part, config))
    .filter((unit) => followsConfiguration.test(unit) || unit === unitOf('mpps'))
    .filter((unit) => unit !== unitOf('receiver'))
}

/**
 * A part is masked, not only disabled: the target wants the common door and the stages by itself, so that they
 * would open again at the next boot.
 */
function commandsFor(word: SystemdWord, part: string | undefined): readonly (readonly string[])[] {
  if (word === 'enable') {
    return [...(part === undefined ? [] : [['unmask']]), ['enable', '--now']]
  }
  if (word === 'disable') return [[part === undefined ? 'disable' : 'mask', '--now']]
  return [[word]]
}

function stateOf(found: Readonly<Record<string, string>>, restarts: number): string {
  const { ActiveState: active, LoadState: load } = found
  if (active === 'active') return 'running'
  if (load === 'masked') return 'closed'
  if (active === 'failed') return 'failing'
  if (active === 'inactive') return 'stopped'
  return restarts >= crashLoop ? 'failing' : 'waiting'
}

/** What a service said at its end, as it stands in the journal; undefined where that cannot be read. */
async function lastWords(invocation: string | undefined): Promise<LastWords | undefined> {
  if (invocation === undefined || !/^[0-9a-f]{32}$/.test(invocation)) return undefined
  const args = ['--no-pager', '--output=cat', '--lines=20', '--priority=err']
  const { stdout } = await execute('journalctl', [
    ...args,
    `_SYSTEMD_INVOCATION_ID=${invocation}`,
  ]).catch(() => ({ stdout: '' }))
  // Beside lines of its log.
  const said = stdout.split('\n').filter((line) => /^(?:error|hint): /.test(line))
  return readLastWords(said.join('\n'))
}

/** In words, as far as systemd knows it. */
function lastErrorOf(found: Readonly<Record<string, string>>): string | undefined {
  const { Result: result, ExecMainStatus: status } = found
  if (result === undefined || result === 'success') return undefined
  const code = Number(status)
  if (result !== 'exit-code') return result
  const more =
    found['ActiveState'] === 'failed' ? '; not started again until it is done by hand' : ''
  return `exit code ${String(code)}${more}`
}
