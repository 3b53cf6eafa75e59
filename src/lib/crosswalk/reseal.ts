import { existsSync } from 'node:fs'
import { chown, link, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../storage/index.ts'
import { Crosswalk } from './crosswalk.ts'
import type { Anchor, Link } from './link.ts'
import { Seals } from './seal.ts'
import { type Condition, WhoIsWho, requireReadable } from './who-is-who.ts'

/**
 * Writes the crosswalk anew, every line sealed with the first key: after a rotation, or when it is from before lines
 * were sealed. What others append meanwhile is not lost: the old file keeps a second name until all of it is in the new
 * one, and who writes into the old one notices that it is replaced.
 * @param isWithoutDamaged leave out lines that can no longer be read
 * @returns what the old one was made of
 * @throws FionaError E_CROSSWALK_KEY, E_CROSSWALK_DAMAGED
 */
export async function reseal(
  path: string,
  keys: readonly [Buffer, ...Buffer[]],
  isWithoutDamaged = false,
): Promise<Condition> {
  const [before, next] = [`${path}.before-reseal`, `${path}.resealed`]
  // Of a process that died in it.
  if (existsSync(before)) await takeOver(path, before, keys)
  await rm(next, { force: true })
  const whoIsWho = new WhoIsWho(path, new Seals(keys))
  await noteAll(next, keys, whoIsWho.batches())
  try {
    requireReadable(path, whoIsWho.condition, isWithoutDamaged)
    await ownedAs(next, path)
    await link(path, before)
    await rename(next, path)
  } finally {
    await rm(next, { force: true })
  }
  await takeOver(path, before, keys)
  return whoIsWho.condition
}

async function takeOver(
  path: string,
  before: string,
  keys: readonly [Buffer, ...Buffer[]],
): Promise<void> {
  await noteAll(path, keys, new WhoIsWho(before, new Seals(keys)).batches())
  await syncDirectory(dirname(path))
  await rm(before)
  await syncDirectory(dirname(path))
}

/** Into a crosswalk what is not in it. */
export async function noteAll(
  path: string,
  keys: readonly [Buffer, ...Buffer[]],
  batches: AsyncIterable<readonly (Link | Anchor)[]>,
): Promise<void> {
  const crosswalk = await Crosswalk.open(path, keys)
  try {
    for await (const entries of batches) await crosswalk.note(entries)
  } finally {
    await crosswalk.close()
  }
}

/** Made by root, it would be closed to the user of the service. */
async function ownedAs(path: string, other: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(other)
  await chown(path, uid, gid)
}
