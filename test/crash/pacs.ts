// A research PACS: DCMTK's storescp, which tells of each object that comes and when.
import { type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, start } from '../fixtures/peers.ts'

export interface Arrival {
  readonly SOPInstanceUID: string
  /** By storescp's own clock, which is ours. */
  readonly ms: number
}

/** storescp's words with the seconds since 1970 in front. */
const logging = `log4cplus.rootLogger = DEBUG, console
log4cplus.appender.console = log4cplus::ConsoleAppender
log4cplus.appender.console.logToStdErr = true
log4cplus.appender.console.ImmediateFlush = true
log4cplus.appender.console.layout = log4cplus::PatternLayout
log4cplus.appender.console.layout.ConversionPattern = %D{%s.%q} %m%n
`

export class Pacs {
  readonly port: number
  readonly folder: string
  readonly #log: string
  readonly #child: ChildProcess

  private constructor(root: string, port: number) {
    this.port = port
    this.folder = join(root, 'pacs')
    this.#log = join(root, 'pacs.log')
    mkdirSync(this.folder)
    const config = join(root, 'pacs-log.cfg')
    writeFileSync(config, logging)
    this.#child = start('storescp', [
      ...['--log-config', config, '--bit-preserving'],
      ...['--output-directory', this.folder, '--aetitle', 'PACS', String(port)],
    ])
    const log = createWriteStream(this.#log)
    this.#child.stderr?.pipe(log)
    this.#child.stdout?.resume()
  }

  static async start(root: string): Promise<Pacs> {
    return new Pacs(root, await freePort())
  }

  /** Each C-STORE that came, in order: its time stands in front, its UID in the lines behind. */
  arrivals(): Arrival[] {
    const arrivals: Arrival[] = []
    let ms: number | undefined
    for (const line of readFileSync(this.#log, 'utf8').split('\n')) {
      const request = /^(\d+\.\d+) Received Store Request/.exec(line)
      if (request !== null) ms = Math.round(Number(request[1]) * 1000)
      const SOPInstanceUID = /Affected SOP Instance UID\s*: ([\d.]+)/.exec(line)?.[1]
      if (ms === undefined || SOPInstanceUID === undefined) continue
      arrivals.push({ SOPInstanceUID, ms })
      // The answer names it, too.
      ms = undefined
    }
    return arrivals
  }

  stop(): void {
    this.#child.kill()
  }
}
