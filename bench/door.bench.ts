// The front door: short and long lines of many writers, bare paths, and how long a lone line takes. Each figure is
// from the first write to the last record in the journal, on disk. The disk decides; all run in turns on the same one.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countLines, readJournal } from '../src/lib/journal/index.ts'
import { ctImage } from '../test/fixtures/dicom-writer.ts'
import { medianOf } from './median.ts'

const tool = fileURLToPath(new URL('../bin/fiona-import', import.meta.url))
const rounds = 3
const objects = 1000
const loneLines = 50

export default {
  name: 'door',
  title: 'The front door: from writing into the named pipe to the durable record',
  async run() {
    const root = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    const folder = join(root, 'in')
    try {
      mkdirSync(folder)
      const paths = Array.from({ length: objects }, (_, n) => join(folder, `${String(n)}.dcm`))
      paths.forEach((path, n) => writeFileSync(path, ctImage({ sopUID: `2.25.${String(n)}` })))
      const all: [string, string, (door: Door) => Promise<number>][] = [
        ['16 writers, lines of 4 kB', 'lines/s', (door) => door.rate(16, 500, 4090)],
        ['1 writer, lines of 4 kB', 'lines/s', (door) => door.rate(1, 4000, 4090)],
        [
          '8 writers that take turns, lines of 1 MB',
          'lines/s',
          (door) => door.rate(8, 10, 1_000_000),
        ],
        ['bare paths of objects of 1.2 kB', 'paths/s', (door) => door.paths(paths)],
        ['a lone line', 'ms', (door) => door.loneLine()],
      ]
      const figures = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [who, , measure] of all) {
          const door = await Door.open(join(root, `${String(round)}-${String(figures.size)}`))
          try {
            figures.set(who, [...(figures.get(who) ?? []), await measure(door)])
          } finally {
            await door.close()
          }
        }
      }
      return {
        rows: all.map(([who, unit]) => {
          const all = figures.get(who) ?? []
          const best = unit === 'ms' ? Math.min(...all) : Math.max(...all)
          return { who, best: round3(best), median: round3(medianOf(all)), unit }
        }),
      }
    } finally {
      rmSync(root, { recursive: true })
    }
  },
}

class Door {
  readonly #root: string
  readonly #pipe: string
  readonly #child: ChildProcess

  private constructor(root: string, child: ChildProcess) {
    this.#root = root
    this.#pipe = join(root, 'run/door.pipe')
    this.#child = child
  }

  static async open(root: string): Promise<Door> {
    mkdirSync(join(root, 'data'), { recursive: true })
    mkdirSync(join(root, 'run'))
    const args = ['--data-dir', join(root, 'data'), '--front-door', join(root, 'run/door.pipe')]
    const child = spawn(tool, [...args, '--journal', 'received'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, FIONA_CONFIG: '' },
    })
    let said = ''
    for await (const chunk of child.stderr) {
      said += String(chunk)
      if (said.includes('front door is open')) break
    }
    return new Door(root, child)
  }

  async close(): Promise<void> {
    this.#child.kill('SIGTERM')
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    rmSync(this.#root, { recursive: true })
  }

  /** Lines a second. Lines longer than a pipe keeps whole are written in turns. */
  async rate(writers: number, lines: number, bytes: number): Promise<number> {
    const head = seriesRecord('')
    const line = seriesRecord('x'.repeat(bytes - head.length))
    const script = `
import fcntl, os, sys
pipe, writers, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
line = sys.stdin.buffer.read()
for w in range(writers):
    if os.fork():
        continue
    fd = os.open(pipe, os.O_WRONLY)
    for n in range(lines):
        if len(line) > 4096: fcntl.flock(fd, fcntl.LOCK_EX)
        at = 0
        while at < len(line): at += os.write(fd, line[at:])
        if len(line) > 4096: fcntl.flock(fd, fcntl.LOCK_UN)
    os._exit(0)
`
    const args = ['-c', script, this.#pipe, String(writers), String(lines)]
    const child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'inherit', 'inherit'] })
    const begunAt = performance.now()
    child.stdin.end(line)
    await this.#until(writers * lines)
    return (writers * lines * 1000) / (performance.now() - begunAt)
  }

  async paths(paths: readonly string[]): Promise<number> {
    const begunAt = performance.now()
    const child = spawn('sh', ['-c', 'cat >"$0"', this.#pipe], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    child.stdin.end(`${paths.join('\n')}\n`)
    await this.#until(paths.length)
    return (paths.length * 1000) / (performance.now() - begunAt)
  }

  /** Median, in milliseconds. */
  async loneLine(): Promise<number> {
    const fd = openSync(this.#pipe, 'w')
    const times: number[] = []
    for (let n = 1; n <= loneLines; n++) {
      const begunAt = performance.now()
      writeSync(fd, seriesRecord(String(n)))
      await this.#until(n)
      times.push(performance.now() - begunAt)
    }
    closeSync(fd)
    return times.toSorted((a, b) => a - b)[loneLines / 2] ?? 0
  }

  /** So many records are in the journal. */
  async #until(count: number): Promise<void> {
    let found = 0
    const journal = join(this.#root, 'data/journal/received')
    for await (const { lines } of readJournal(journal, { follow: true })) {
      found += countLines(lines)
      if (found >= count) return
    }
  }
}

function seriesRecord(note: string): string {
  const facts = { SeriesInstanceUID: '2.25.7', StudyInstanceUID: '2.25.5', path: '/data/x' }
  const counts = { instances: 1, bytes: 1, reason: 'quiet' }
  return `${JSON.stringify({ type: 'series', v: 1, ...facts, ...counts, note })}\n`
}

function round3(value: number | undefined): number {
  return Number((value ?? 0).toPrecision(3))
}
