import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { makeDirectories, writeFileAtomic } from '../storage/index.ts'

export interface SiteClaim extends AsyncDisposable {
  /** Whoever had it before did not end in order: its parts may still be ending. */
  readonly isAfterCrash: boolean
}

interface Owner {
  readonly pid: number
  /** What tells this process from a later one with the same number. */
  readonly startedAt: string
}

/**
 * One chain at a time on a data directory. The claim names a process, not a moment: that of a killed
 * one is worth nothing as soon as the process is gone, so nobody has to remove it by hand.
 * @throws FionaError E_ALREADY_RUNNING (exit 75)
 */
export async function claimSite(runDir: string): Promise<SiteClaim> {
  await makeDirectories(runDir)
  const path = join(runDir, 'fiona-up.json')
  const before = await readOwner(path)
  if (before !== undefined && (await isAlive(before))) {
    throw new FionaError(
      'E_ALREADY_RUNNING',
      `a chain runs on this data directory already (process ${before.pid})`,
      {
        hint: 'stop that one first, or give this one another --data-dir and --port',
        exitCode: ExitCode.tryAgain,
        retryable: true,
      },
    )
  }
  const own: Owner = { pid: process.pid, startedAt: (await startOf(process.pid)) ?? '' }
  await writeFileAtomic(path, `${JSON.stringify(own)}\n`)
  return {
    isAfterCrash: before !== undefined,
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true })
    },
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const { pid, startedAt } = JSON.parse(text) as Partial<Owner>
    return { pid: Number(pid), startedAt: String(startedAt) }
  } catch {
    // Written atomically, so somebody else's file: it names no process that could be running.
    return { pid: 0, startedAt: '' }
  }
}

async function isAlive({ pid, startedAt }: Owner): Promise<boolean> {
  return startedAt !== '' && (await startOf(pid)) === startedAt
}

/** Boot and clock ticks since then (proc(5), field 22 of stat): no two processes share both and the number. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ])
    // The second field, the command in parentheses, may hold spaces.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${boot.trim()} ${ticks ?? ''}`
  } catch {
    return undefined
  }
}
