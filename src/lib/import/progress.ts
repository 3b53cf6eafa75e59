import { walk } from './walk.ts'
import type { ImportCounts } from './run-import.ts'

/** How far an import was at a time. */
export interface Sample {
  /** Monotonic. */
  readonly ms: number
  readonly files: number
  readonly bytes: number
}

const everyMs = 250
/** Speed is that of the last ten seconds: a disc slows down towards its end. */
const samplesKept = 40

/**
 * One line on a terminal that is written over and over. It tells numbers only: names of files can be names of
 * patients.
 */
export class Progress {
  readonly #counts: ImportCounts
  readonly #terminal: NodeJS.WriteStream
  readonly #samples: Sample[] = []
  readonly #timer: NodeJS.Timeout
  #total: number | undefined

  /** @param total how many files there are, once that is known */
  constructor(
    counts: ImportCounts,
    terminal: NodeJS.WriteStream,
    total: Promise<number | undefined>,
  ) {
    this.#counts = counts
    this.#terminal = terminal
    total.then(
      (files) => (this.#total = files),
      () => undefined,
    )
    this.#timer = setInterval(() => this.#draw('\r'), everyMs)
  }

  /** The last state stays to be read. */
  close(): void {
    clearInterval(this.#timer)
    this.#draw('\n')
  }

  #draw(end: '\r' | '\n'): void {
    const { files, bytes } = this.#counts
    this.#samples.push({ ms: performance.now(), files, bytes })
    if (this.#samples.length > samplesKept) this.#samples.shift()
    const line = progressLine(this.#counts, this.#samples, end === '\n' ? undefined : this.#total)
    // Erased first, and left at its beginning, where a line of the log may be written over it.
    this.#terminal.write(`\r\u001b[K${line.slice(0, (this.#terminal.columns || 80) - 1)}${end}`)
  }
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
