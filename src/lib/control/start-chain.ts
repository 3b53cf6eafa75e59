import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { partNames, partsOf } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { makeDirectories } from '../storage/index.ts'
import { chainLogPath } from './chain-log.ts'
import { askChain } from './control-client.ts'
import { isListening } from './site-status.ts'
import type { PartReport } from './status-schema.ts'

/** Longer than a chain needs that waits for the ports of a killed one. */
const patienceMs = 60_000
const shownBytes = 2000

/**
 * `fiona up` in the background; resolves when its doors answer.
 * @param command the launcher of fiona-ctl
 * @returns false when a chain ran already, perhaps one that somebody started at the same moment
 * @throws FionaError E_START with what it said
 */
export async function startChain(
  config: Config,
  command: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const { dataDir, runDir } = config
  if ((await askChain(runDir, { do: 'status' })) !== undefined) return false
  const path = chainLogPath(dataDir)
  await makeDirectories(dirname(path))
  const log = await open(path, 'a+', 0o640)
  try {
    const { size } = await log.stat()
    const child = spawn(command, ['up', ...words], {
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    })
    child.unref()
    let ended: number | string | undefined
    child.once('exit', (code, by) => (ended = code ?? by ?? 'nothing'))
    child.once('error', (error) => (ended = error.message))
    const until = performance.now() + patienceMs
    while (performance.now() < until && !signal.aborted) {
      const chain = await askChain(runDir, { do: 'status' })
      if (chain !== undefined && (await isUp(config, chain))) return chain['pid'] === child.pid
      // Whoever was faster holds the directory: it is waited for.
      if (ended !== undefined && ended !== ExitCode.tryAgain) break
      await delay(100)
    }
    const { buffer, bytesRead } = await log.read(Buffer.alloc(64 << 10), 0, 64 << 10, size)
    const said = buffer.toString('utf8', 0, bytesRead).trim().slice(-shownBytes)
    const what = ended === undefined ? 'is not up yet' : `ended with ${String(ended)}`
    throw new FionaError('E_START', `the chain ${what}: ${said}`, {
      hint: `${path} tells more; fiona-ctl check looks for the cause`,
      exitCode: typeof ended === 'number' && isKnown(ended) ? ended : ExitCode.unavailable,
    })
  } finally {
    await log.close()
  }
}

function isKnown(code: number): code is ExitCode {
  return code !== 0 && (Object.values(ExitCode) as number[]).includes(code)
}

async function isUp(config: Config, chain: Readonly<Record<string, unknown>>): Promise<boolean> {
  const parts = (chain['parts'] ?? []) as readonly PartReport[]
  // What fails or is closed on purpose is told by status; starting does not wait for it.
  if (parts.length < partNames(partsOf(config)).length) return false
  if (parts.some(({ state }) => state === 'waiting')) return false
  const isOpen = parts.some(({ name, state }) => name === 'receiver' && state === 'running')
  const { receiver } = (chain['ports'] ?? {}) as { receiver?: number }
  return !isOpen || (await isListening(receiver ?? 0))
}
