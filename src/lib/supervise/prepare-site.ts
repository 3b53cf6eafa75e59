import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { type FrontDoorOf, frontDoorsOf } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  createExclusively,
  makeDirectories,
  makeNamedPipe,
  removeDeadTemporaries,
  writeFileAtomic,
} from '../storage/index.ts'

export interface Site {
  /** The configuration in force, written where every child reads it (FIONA_CONFIG). */
  readonly configPath: string
  /** The named pipes: that of `received` takes records and paths, the others records. */
  readonly frontDoors: readonly FrontDoorOf[]
  readonly keyFile: string
  /** True when this start made the key. */
  readonly madeKey: boolean
}

/**
 * Directories, key and the configuration in force. Without a key file in the configuration one is
 * made in the data directory, once: losing it means that no later study can join an earlier one.
 */
export async function prepareSite(config: Config): Promise<Site> {
  await makeDirectories(config.dataDir)
  await makeDirectories(config.runDir)
  await removeDeadTemporaries(config.runDir)
  const configured = config.deidentification.keyFile
  const keyFile = configured ?? join(config.dataDir, 'keys', 'pseudonym.key')
  const madeKey = configured === undefined && (await makeKey(keyFile))
  const inForce = {
    ...config,
    path: undefined,
    generatedFrom: config.generatedFrom ?? config.path ?? null,
    deidentification: { ...config.deidentification, keyFile },
  }
  const configPath = join(config.runDir, 'fiona.json')
  await writeFileAtomic(configPath, `${JSON.stringify(inForce, null, 2)}\n`)
  // It is there before anybody is told of it: who writes too early would make a file in its place.
  const frontDoors = frontDoorsOf(config)
  for (const { path } of frontDoors) await makeNamedPipe(path)
  return { configPath, frontDoors, keyFile, madeKey }
}

/** @returns false when there was a key already */
async function makeKey(path: string): Promise<boolean> {
  await makeDirectories(dirname(path), { mode: 0o700 })
  await removeDeadTemporaries(dirname(path))
  return createExclusively(path, randomBytes(32), { mode: 0o600, durable: true })
}
