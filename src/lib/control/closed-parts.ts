import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { doorPart, indexPart, partsOf } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { makeDirectories, writeFileAtomic } from '../storage/index.ts'
import { whySqliteIsMissing } from '../sqlite/index.ts'
import { readEnabled } from './enabled-file.ts'

/** Stands for the whole chain in the list of what is disabled. */
export const wholeChain = '*'

function listPath(dataDir: string): string {
  return join(dataDir, 'disabled.json')
}

/**
 * What was disabled: names of doors, or the whole chain. Where nothing can be read from it, it says so:
 * a door that somebody closed must not open by an accident.
 * @throws FionaError E_DISABLED_LIST
 */
export async function disabledDoors(dataDir: string): Promise<ReadonlySet<string>> {
  const path = listPath(dataDir)
  try {
    const { disabled } = JSON.parse(await readFile(path, 'utf8')) as { disabled?: unknown }
    if (Array.isArray(disabled) && disabled.every((name) => typeof name === 'string')) {
      return new Set(disabled)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new FionaError('E_DISABLED_LIST', `${path} does not list what is disabled`, {
    hint: 'write {"v":1,"disabled":[]} into it, with the names of the doors that are to stay closed',
    exitCode: ExitCode.badConfig,
  })
}

/** Kept over restarts and power losses. */
export async function setDisabled(dataDir: string, door: string, is: boolean): Promise<void> {
  const doors = new Set(await disabledDoors(dataDir))
  if (is) doors.add(door)
  else doors.delete(door)
  await makeDirectories(dataDir)
  const text = `${JSON.stringify({ v: 1, disabled: [...doors].sort() })}\n`
  await writeFileAtomic(listPath(dataDir), text)
}

/** The parts that must not run now, each with the reason and the remedy, where `fiona up` runs the chain. */
export async function closedParts(config: Config): Promise<ReadonlyMap<string, string>> {
  const closed = new Map(await closedEverywhere(config))
  const disabled = await disabledDoors(config.dataDir)
  for (const project of [undefined, ...partsOf(config).doors]) {
    const name = project ?? 'default'
    if (!disabled.has(name) || closed.has(doorPart(project))) continue
    closed.set(doorPart(project), `it is disabled; fiona-ctl enable ${name} opens it`)
  }
  return closed
}

/** As {@link closedParts}, but for what systemd knows itself: which parts are disabled. */
export async function closedEverywhere(config: Config): Promise<ReadonlyMap<string, string>> {
  const closed = new Map<string, string>()
  const enabled = await readEnabled(config.dataDir)
  if (enabled?.reception === false) {
    for (const project of [undefined, ...partsOf(config).doors]) {
      closed.set(doorPart(project), `the first character of ${enabled.path} is 0; write 1 there`)
    }
  }
  if (enabled?.mpps === false && config.mpps !== undefined) {
    closed.set('mpps', `the second character of ${enabled.path} is 0; write 1 there`)
  }
  const missing = await whySqliteIsMissing()
  if (missing !== undefined) closed.set(indexPart, withoutIndex(missing))
  return closed
}

/** In one sentence. */
function withoutIndex({ message }: FionaError): string {
  return `${message}; nothing but fiona ls misses it, and npm rebuild better-sqlite3 brings it back`
}
