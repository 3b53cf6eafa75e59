import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { nowIso } from '../record/index.ts'
import { syncDirectory } from '../storage/index.ts'
import { openPrivate } from './crosswalk-file.ts'
import { linesFrom } from './line-reading.ts'
import type { Seal, Seals } from './seal.ts'
import type { Who } from './who.ts'

/** What was looked up, by whom and why. Identifiers of the clinic are digests; see `Seal.digest`. */
export interface LookUp {
  readonly action: string
  readonly reason: string
  readonly asked: Readonly<Record<string, string>>
  readonly hits: number
}

export interface TrailEntry extends LookUp, Who {
  readonly v: 1
  readonly time: string
  /** Fingerprint of the key that `mac` is made with. */
  readonly key: string
  /** `mac` of the entry before; empty in the first one. */
  readonly previous: string
  readonly mac: string
}

export interface Trail {
  readonly entries: readonly TrailEntry[]
  /** What is wrong with it, in words; empty when nothing was removed, changed or inserted. */
  readonly problems: readonly string[]
}

const mostTries = 100

export function trailPath(crosswalk: string): string {
  return `${crosswalk}.audit`
}

/**
 * Appends to the trail; on stable storage when it resolves. Each entry is chained to the one before it, with a key, so
 * that none can be removed, changed or put between without the trail telling it. Of two that were written at once the
 * second is no part of the chain, and is written again behind the first.
 * @returns the mac of the entry, to be anchored in the crosswalk
 * @throws FionaError E_AUDIT
 */
export async function appendToTrail(
  crosswalk: string,
  seals: Seals,
  lookUp: LookUp,
  who: Who,
): Promise<string> {
  const path = trailPath(crosswalk)
  try {
    const handle = await openPrivate(path, 'write')
    try {
      await ownedAs(handle, crosswalk)
      for (let tries = 0; tries < mostTries; tries += 1) {
        const before = await readFrom(handle, seals)
        const entry = chained(seals.first, before.entries.at(-1)?.mac ?? '', lookUp, who)
        const text = `${before.isTorn ? '\n' : ''}${JSON.stringify(entry)}\n`
        await handle.appendFile(text)
        await handle.datasync()
        const { entries } = await readFrom(handle, seals)
        if (entries.some(({ mac }) => mac === entry.mac)) {
          await syncDirectory(dirname(path))
          return entry.mac
        }
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof FionaError) throw error
    throw new FionaError(
      'E_AUDIT',
      `the look-up cannot be noted in ${path} (${String((error as NodeJS.ErrnoException).code)})`,
      {
        hint: 'free space or correct the permissions; without being noted nothing is looked up',
        exitCode: ExitCode.io,
        retryable: true,
        cause: error,
      },
    )
  }
  throw new FionaError(
    'E_AUDIT',
    `the look-up cannot be noted in ${path}: others write into it all the time`,
    {
      hint: 'try again',
      exitCode: ExitCode.tryAgain,
      retryable: true,
    },
  )
}

/** @param anchors macs that the crosswalk says are in the trail */
export async function readTrail(
  crosswalk: string,
  seals: Seals,
  anchors: ReadonlySet<string>,
): Promise<Trail> {
  const there = await stat(trailPath(crosswalk)).catch(() => undefined)
  if (there === undefined) {
    const lost =
      anchors.size > 0
        ? [`the audit trail is not there; ${String(anchors.size)} look-ups were noted in it`]
        : []
    return { entries: [], problems: lost }
  }
  const handle = await openPrivate(trailPath(crosswalk), 'read')
  try {
    const { entries, problems } = await readFrom(handle, seals)
    const macs = new Set(entries.map(({ mac }) => mac))
    const lost = [...anchors].filter((mac) => !macs.has(mac)).length
    return {
      entries,
      problems:
        lost === 0
          ? problems
          : [...problems, `${String(lost)} look-ups are missing from the trail`],
    }
  } finally {
    await handle.close()
  }
}

async function readFrom(
  handle: Awaited<ReturnType<typeof openPrivate>>,
  seals: Seals,
): Promise<Trail & { readonly isTorn: boolean }> {
  const entries: TrailEntry[] = []
  const problems: string[] = []
  const seen = new Set([''])
  let last = ''
  let number = 0
  let whole = 0
  const take = (text: string): void => {
    number += 1
    const entry = parse(text)
    if (entry === undefined) {
      if (text.endsWith('}')) problems.push(`line ${String(number)} is no entry`)
      return
    }
    const seal = seals.of(entry.key)
    if (seal === undefined) {
      problems.push(`line ${String(number)} was made with another key, ${entry.key}`)
    } else if (macOf(seal, entry) !== entry.mac) {
      problems.push(`line ${String(number)} was changed`)
      return
    }
    if (entry.previous !== last) {
      // Written at the same time as the one before it, and once more behind that.
      if (seen.has(entry.previous)) return
      problems.push(`before line ${String(number)} something was removed`)
    }
    entries.push(entry)
    last = entry.mac
    seen.add(last)
  }
  for await (const { texts, end } of linesFrom(handle, 0)) {
    for (const text of texts) take(text)
    whole = end
  }
  return { entries, problems, isTorn: (await handle.stat()).size > whole }
}

function chained(seal: Seal, previous: string, lookUp: LookUp, who: Who): TrailEntry {
  const entry = {
    v: 1 as const,
    time: nowIso(),
    ...who,
    ...lookUp,
    key: seal.fingerprint,
    previous,
  }
  return { ...entry, mac: macOf(seal, entry) }
}

function macOf(seal: Seal, entry: Omit<TrailEntry, 'mac'> & { readonly mac?: string }): string {
  return seal.mac(JSON.stringify({ ...entry, mac: undefined }))
}

function parse(text: string): TrailEntry | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof TrailEntry, unknown>> | null
    const texts = [
      value?.time,
      value?.action,
      value?.reason,
      value?.key,
      value?.previous,
      value?.mac,
    ]
    const isEntry = value?.v === 1 && texts.every((each) => typeof each === 'string')
    return isEntry ? (value as unknown as TrailEntry) : undefined
  } catch {
    return undefined
  }
}

/** Made by root, it would be closed to the user of the service. */
async function ownedAs(
  handle: Awaited<ReturnType<typeof openPrivate>>,
  crosswalk: string,
): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(crosswalk)
  await handle.chown(uid, gid)
}
