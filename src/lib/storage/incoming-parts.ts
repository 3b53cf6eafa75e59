import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectories } from './durable.ts'
import { isOwnerDead, writeOwner } from './owner-file.ts'
import { removeDeadTemporaries } from './temporary-name.ts'

const ownerSuffix = '.owner.json'

/**
 * Names for the files that objects are received into. `<writer>.owner.json` says which process made
 * `<writer>-<n>.part`: what a killed one left is removed by whoever comes next, and nobody touches
 * what a living one is still writing.
 */
export class IncomingParts {
  readonly folder: string
  readonly #writer = randomUUID()
  #count = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(folder: string): Promise<IncomingParts> {
    const parts = new IncomingParts(folder)
    await makeDirectories(folder)
    await removeLeftovers(folder)
    await removeDeadTemporaries(folder)
    await writeOwner(join(folder, parts.#writer + ownerSuffix))
    return parts
  }

  /** The path of a file that is not there yet. */
  next(): string {
    this.#count += 1
    return join(this.folder, `${this.#writer}-${this.#count}.part`)
  }
}

/** Nobody was told that anything in a part is safe: what is certainly nobody's can go. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder)
  for (const owner of names.filter((name) => name.endsWith(ownerSuffix))) {
    if (!(await isOwnerDead(join(folder, owner)))) continue
    const writer = owner.slice(0, -ownerSuffix.length)
    const parts = names.filter((name) => name.startsWith(`${writer}-`))
    // The owner last: cut off in between, the next one goes on.
    for (const name of [...parts, owner]) await rm(join(folder, name), { force: true })
  }
}
