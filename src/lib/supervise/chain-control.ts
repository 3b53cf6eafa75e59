import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import {
  closedParts,
  type ControlAnswer,
  type ControlRequest,
  type PartReport,
} from '../control/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Supervisor } from './supervisor.ts'

/** How long a change of the `enabled` file may wait to be seen. */
const lookEveryMs = 1000

export interface ChainControlOptions {
  readonly supervisor: Supervisor
  readonly config: Config
  /** Aborted to end the chain. */
  readonly stopping: AbortController
  readonly log: Logger
}

/** What a running chain does when fiona-ctl asks. */
export class ChainControl {
  readonly #options: ChainControlOptions
  readonly #since = new Date().toISOString()
  #closed: ReadonlyMap<string, string> = new Map()

  constructor(options: ChainControlOptions) {
    this.#options = options
  }

  /** @throws FionaError E_NO_PART, E_DISABLED */
  async perform(request: ControlRequest): Promise<ControlAnswer> {
    const { supervisor, stopping } = this.#options
    const { part } = request
    if (request.do === 'status') return this.#status()
    if (part === undefined) {
      if (request.do !== 'stop') throw new FionaError('E_CONTROL', 'the chain runs already')
      stopping.abort()
      // The connection stays open until this process ends: whoever asked hears the end.
      return new Promise(() => undefined)
    }
    if (!supervisor.parts().some(({ name }) => name === part)) {
      throw new FionaError('E_NO_PART', `the running chain has no part ${JSON.stringify(part)}`, {
        hint: 'a change of the configuration holds after fiona-ctl restart',
        exitCode: ExitCode.usage,
      })
    }
    if (request.do !== 'stop') {
      const reason = (await closedParts(this.#options.config)).get(part)
      if (reason !== undefined) {
        throw new FionaError('E_DISABLED', `${part} is not to run`, {
          hint: reason,
          exitCode: ExitCode.notAllowed,
        })
      }
    }
    if (request.do !== 'start') await supervisor.stopPart(part)
    if (request.do !== 'stop') supervisor.startPart(part)
    return {}
  }

  /**
   * Closes and opens doors as the files say, until `signal`.
   * @param closedNow what the chain was started without
   */
  async obeyFiles(closedNow: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const { supervisor, config, log } = this.#options
    this.#closed = closedNow
    for (const [part, reason] of this.#closed) log.warn({ part, reason }, 'this part stays closed')
    while (!signal.aborted) {
      await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      let closed: ReadonlyMap<string, string>
      try {
        closed = await closedParts(config)
      } catch (error) {
        // Half written, or not to be read: what held before holds until it can be.
        log.warn({ err: (error as Error).message }, 'cannot tell which doors are to be open')
        continue
      }
      const before = this.#closed
      this.#closed = closed
      for (const [part, reason] of closed) {
        if (before.has(part)) continue
        log.warn({ part, reason }, 'this part is closed now')
        await supervisor.stopPart(part)
      }
      for (const part of before.keys()) {
        if (closed.has(part)) continue
        log.info({ part }, 'this part is open again')
        supervisor.startPart(part)
      }
    }
  }

  /** How they are, and which are closed on purpose. */
  parts(): readonly PartReport[] {
    return this.#options.supervisor.parts().map((part) => {
      const reason = this.#closed.get(part.name)
      const isClosed = part.state === 'stopped' && reason !== undefined
      return isClosed ? { ...part, state: 'closed', reason } : part
    })
  }

  #status(): ControlAnswer {
    const { config } = this.#options
    return {
      pid: process.pid,
      since: this.#since,
      parts: this.parts(),
      ports: {
        receiver: config.receiver.port,
        ...(config.mpps === undefined ? {} : { mpps: config.mpps.port }),
      },
    }
  }
}
