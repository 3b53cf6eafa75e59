import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { faultPoint } from '../../fault/index.ts'
import {
  DirectoryWatch,
  inside,
  makeDirectories,
  namesIn,
  readIfThere,
  removeDeadTemporaries,
  safeComponent,
  syncDirectory,
} from '../../storage/index.ts'
import type { Destination } from '../destination.ts'
import { noteDecision } from './decisions.ts'
import { type Hold, Holds } from './holds.ts'
import type { LaneReport } from './lane-report.ts'
import { readStatuses, StatusFile, statusName } from './status-file.ts'

/** What a person wants done once. */
export type Order = {
  readonly v: 1
  readonly by: string
  readonly because?: string
  readonly time: string
} & (
  | { readonly do: 'retry'; readonly destination?: string; readonly requestId?: string }
  | { readonly do: 'drop'; readonly destination?: undefined; readonly requestId: string }
)

/** @returns what became of it, or undefined when it is still to be done */
export type Obey = (order: Order) => Promise<string | undefined>

/** Where things lie, below `<dataDir>/state/fiona-send`. */
const placesOf = (state: string, stage: string) => ({
  orders: inside(state, 'orders', safeComponent(stage)),
  holds: inside(state, 'holds'),
  status: inside(state, 'status', safeComponent(stage)),
  decisions: inside(state, 'decisions.ndjson'),
})

/**
 * Where a running fiona-send hears what persons say, and says how it stands. An order is a file until
 * it is done: killed in between, it is obeyed again, which changes nothing any more.
 */
export class Desk {
  readonly #places: ReturnType<typeof placesOf>
  readonly #holds: Holds
  readonly #log: Logger
  readonly #closing = new AbortController()
  readonly #earlier = new Map<string, LaneReport['today']>()
  #watching: Promise<unknown> = Promise.resolve()

  private constructor(places: ReturnType<typeof placesOf>, log: Logger) {
    this.#places = places
    this.#holds = new Holds(places.holds)
    this.#log = log
  }

  /** @param state `<dataDir>/state/fiona-send` */
  static async open(state: string, stage: string, log: Logger): Promise<Desk> {
    const desk = new Desk(placesOf(state, stage), log)
    const { orders, holds, status } = desk.#places
    for (const directory of [orders, holds, status]) {
      await makeDirectories(directory)
      await removeDeadTemporaries(directory)
    }
    await desk.#holds.load()
    for (const [name, { today }] of await readStatuses(status)) desk.#earlier.set(name, today)
    return desk
  }

  holdOf(destination: string, requestId: string): Hold | undefined {
    return this.#holds.of(destination, requestId)
  }

  statusOf(destination: Destination, report: () => LaneReport): StatusFile {
    const path = join(this.#places.status, statusName(destination))
    return new StatusFile(path, destination, report, this.#log)
  }

  /** What a former process said of today. */
  todayOf(destination: Destination): LaneReport['today'] | undefined {
    return this.#earlier.get(statusName(destination))
  }

  /** What was said before is heard when this returns; what is said later, from then on. */
  async begin(obey: Obey, heldChanged: () => void): Promise<void> {
    const watches = {
      orders: new DirectoryWatch(this.#places.orders),
      holds: new DirectoryWatch(this.#places.holds),
    }
    await this.#holds.load()
    await this.#obeyAll(obey)
    this.#watching = Promise.all([
      this.#each(watches.orders, () => this.#obeyAll(obey)),
      this.#each(watches.holds, async () => {
        await this.#holds.load()
        heldChanged()
      }),
    ])
  }

  /** What is being obeyed is done with, or left for the next start. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#watching
  }

  async #each(watch: DirectoryWatch, look: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing
    try {
      while (!signal.aborted) {
        await watch.changes(signal)
        if (signal.aborted) return
        await look().catch((error: unknown) => {
          this.#log.error({ err: error }, 'what a person said could not be heard')
        })
      }
    } finally {
      watch.close()
    }
  }

  async #obeyAll(obey: Obey): Promise<void> {
    const { orders, decisions } = this.#places
    for (const name of await namesIn(orders)) {
      if (!name.endsWith('.json') || name.startsWith('.')) continue
      const path = join(orders, name)
      const text = await readIfThere(path)
      if (text === undefined) continue
      const order = parseOrder(text)
      if (order === undefined) {
        this.#log.error({ order: name }, 'an order that nobody understands was removed')
      } else {
        const outcome = await obey(order)
        if (outcome === undefined) return
        faultPoint('order.obeyed')
        await noteDecision(decisions, { ...order, outcome, done: new Date().toISOString() })
        this.#log.info({ do: order.do, by: order.by, request: order.requestId }, outcome)
      }
      await rm(path, { force: true })
      await syncDirectory(orders)
    }
  }
}

export function parseOrder(text: string): Order | undefined {
  try {
    const order = JSON.parse(text) as Partial<Order> | null
    const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
    if (typeof order?.by !== 'string' || !isText(order.destination) || !isText(order.because)) {
      return undefined
    }
    const isWhole =
      (order.do === 'retry' && isText(order.requestId)) ||
      (order.do === 'drop' && typeof order.requestId === 'string')
    return isWhole ? (order as Order) : undefined
  } catch {
    return undefined
  }
}
