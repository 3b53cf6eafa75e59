import { hash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../../error/index.ts'
import {
  makeDirectories,
  namesIn,
  readIfThere,
  syncDirectory,
  writeFileAtomic,
} from '../../storage/index.ts'

/** A person said that all of a destination, or one request, shall wait. */
export interface Hold {
  readonly v: 1
  readonly kind: 'destination' | 'request'
  /** Of the destination; or the requestId. */
  readonly name: string
  readonly by: string
  readonly because?: string
  readonly time: string
}

/** Holds are files, one each: there until they are released, whatever runs or is restarted. */
export class Holds {
  readonly directory: string
  #holds = new Map<string, Hold>()

  constructor(directory: string) {
    this.directory = directory
  }

  get all(): readonly Hold[] {
    return [...this.#holds.values()]
  }

  /** @throws FionaError E_STATE_FORMAT; what was known before still holds then */
  async load(): Promise<void> {
    const holds = new Map<string, Hold>()
    for (const name of await namesIn(this.directory)) {
      if (!/^(destination|request)-[0-9a-f]{40}\.json$/.test(name)) continue
      const path = join(this.directory, name)
      const text = await readIfThere(path)
      if (text === undefined) continue
      const hold = parseHold(text, path)
      holds.set(keyOf(hold.kind, hold.name), hold)
    }
    this.#holds = holds
  }

  /** The destination's first: it is the larger one. */
  of(destination: string, requestId: string): Hold | undefined {
    return (
      this.#holds.get(keyOf('destination', destination)) ??
      this.#holds.get(keyOf('request', requestId))
    )
  }

  /** @returns false when it is held already: the first word stays */
  async put(hold: Hold): Promise<boolean> {
    await this.load()
    if (this.#holds.has(keyOf(hold.kind, hold.name))) return false
    const file = fileOf(hold.kind, hold.name)
    await makeDirectories(this.directory)
    await writeFileAtomic(join(this.directory, file), `${JSON.stringify(hold)}\n`)
    return true
  }

  /** @returns what was released */
  async release({ kind, name }: Pick<Hold, 'kind' | 'name'>): Promise<Hold | undefined> {
    await this.load()
    const hold = this.#holds.get(keyOf(kind, name))
    if (hold === undefined) return undefined
    await rm(join(this.directory, fileOf(kind, name)), { force: true })
    await syncDirectory(this.directory)
    return hold
  }
}

function keyOf(kind: Hold['kind'], name: string): string {
  return `${kind} ${name}`
}

function fileOf(kind: Hold['kind'], name: string): string {
  return `${kind}-${hash('sha256', name).slice(0, 40)}.json`
}

function parseHold(text: string, path: string): Hold {
  try {
    const hold = JSON.parse(text) as Hold
    if (typeof hold.name === 'string' && typeof hold.by === 'string') return hold
  } catch {
    // Told below.
  }
  throw new FionaError('E_STATE_FORMAT', `${path} is damaged`, {
    hint: 'remove it: what it held goes then; fiona-send hold holds it again',
    exitCode: ExitCode.badInput,
  })
}
