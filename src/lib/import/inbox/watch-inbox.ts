import { accessSync, constants } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../../error/index.ts'
import { Lease } from '../../journal/index.ts'
import { FolderNews } from './folder-news.ts'
import { Inbox, type InboxOptions, type InboxRun } from './inbox.ts'

/** While files pour in, each of them is news. */
const leastPauseMs = 1000

/**
 * Takes what is put into a folder, and removes it from there, until the signal. A file is taken when nobody has
 * written to it for a while. What is no DICOM, or is damaged, goes to the quarantine; what cannot be read stays.
 *
 * There is no state: a file that is still in the inbox has not been taken, or was being taken when the process
 * was killed, and is then told as a duplicate.
 * @param run its importer moves
 * @param realDataDir the real path: an inbox that holds it, or lies in it, would eat itself
 * @throws FionaError E_INBOX, E_LEASE_HELD
 */
export async function watchInbox(
  folder: string,
  realDataDir: string,
  run: InboxRun,
  options: InboxOptions,
): Promise<void> {
  const { signal } = options
  const root = await inboxAt(folder, realDataDir)
  const lease = await Lease.acquire(join(root, '.fiona-import'), {
    what: 'an import from the inbox',
    hint: 'another fiona-import takes from it already: stop that one first',
    waitMs: 2000,
    signal,
  })
  await lease.forgetPredecessors()
  const news = new FolderNews(root)
  try {
    const inbox = new Inbox(root, run, options)
    run.log.info({ path: root }, 'watching the inbox')
    while (!signal.aborted) {
      const lookedAt = performance.now()
      await news.wait(await inbox.look(), signal)
      const pauseMs = lookedAt + leastPauseMs - performance.now()
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    news.close()
    await lease.release()
  }
}

async function inboxAt(folder: string, realDataDir: string): Promise<string> {
  let root: string
  try {
    root = await realpath(folder)
    if (!(await stat(root)).isDirectory()) throw unusable(folder, 'is no folder')
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof FionaError) throw error
    const code = String((error as NodeJS.ErrnoException).code)
    throw unusable(folder, `cannot be used (${code})`, error)
  }
  const isInside = (inner: string, outer: string): boolean =>
    !/^\.\.(\/|$)/.test(relative(outer, inner))
  if (isInside(root, realDataDir) || isInside(realDataDir, root)) {
    throw unusable(folder, 'and the data directory lie in each other')
  }
  return root
}

function unusable(folder: string, why: string, cause?: unknown): FionaError {
  return new FionaError('E_INBOX', `the inbox ${folder} ${why}`, {
    hint: 'it must be a folder of its own that this user may read and write: what was taken is removed from it',
    exitCode: ExitCode.cannotCreate,
    cause,
  })
}
