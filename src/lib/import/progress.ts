import { LiveLine } from '../cli/index.ts'
import { walk } from './walk.ts'
import type { ImportCounts } from './run-import.ts'

/** How far an import was at a time. */
export interface Sample {
  /** Monotonic. */
  readonly ms: number
  readonly files: number
  readonly bytes: number
}

/** Speed is that of the last ten seconds: a disc slows down towards its end. */
const samplesKept = 40

/**
 * How far an import is, on a terminal.
 * @param total how many files there are, once that is known
 */
export function importProgress(
  counts: ImportCounts,
  terminal: NodeJS.WriteStream,
  total: Promise<number | undefined>,
): LiveLine {
  const samples: Sample[] = []
  let known: number | undefined
  total.then(
    (files) => (known = files),
    () => undefined,
  )
  return new LiveLine(terminal, (isLast) => {
    const { files, bytes } = counts
    samples.push({ ms: performance.now(), files, bytes })
    if (samples.length > samplesKept) samples.shift()
    return progressLine(counts, samples, isLast ? undefined : known)
  })
}

/** @param samples oldest first, the last one is now */
export function progressLine(
  { files, bytes, errors }: ImportCounts,
  samples: readonly Sample[],
  total: number | undefined,
): string {
  const [first] = samples
  const last = samples.at(-1)
  const seconds = first === undefined || last === undefined ? 0 : (last.ms - first.ms) / 1000
  const filesPerSecond = seconds === 0 ? 0 : (files - (first?.files ?? 0)) / seconds
  const bytesPerSecond = seconds === 0 ? 0 : (bytes - (first?.bytes ?? 0)) / seconds
  const isKnown = total !== undefined && total >= files
  const parts = [
    `${grouped(files)} files${isKnown ? ` of ${grouped(total)}` : ''}`,
    size(bytes),
    `${grouped(Math.round(filesPerSecond))} files/s`,
    `${size(bytesPerSecond)}/s`,
  ]
  if (errors > 0) parts.push(`${grouped(errors)} errors`)
  if (isKnown && filesPerSecond > 0) parts.push(`${time((total - files) / filesPerSecond)} left`)
  return parts.join(', ')
}

/** How many files there are in all; undefined where that cannot be known (a list that is still being written). */
export async function countFiles(
  paths: readonly string[],
  signal: AbortSignal,
): Promise<number | undefined> {
  if (paths.length === 0 || paths.includes('-')) return undefined
  let files = 0
  for (const path of paths) {
    for await (const { kind } of walk(path)) {
      if (signal.aborted) return undefined
      if (kind !== 'emptyFolder') files++
    }
  }
  return files
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit] ?? ''}`
}

function time(seconds: number): string {
  if (seconds < 90) return `${String(Math.ceil(seconds))} s`
  if (seconds < 5400) return `${String(Math.ceil(seconds / 60))} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
