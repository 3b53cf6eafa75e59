import { join } from 'node:path'
import type { Config } from '../../config/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import type { DeidentifiedRecord } from '../../record/index.ts'
import { livenessOf, namesIn, readIfThere } from '../../storage/index.ts'
import { readDestination } from '../destination.ts'
import { DailyWindow } from '../lane/daily-window.ts'
import { folderOf } from '../ledger/ledger-file.ts'
import { type Kept, eachWaiting } from '../waiting.ts'
import { type Order, parseOrder } from './desk.ts'
import { type Hold, Holds } from './holds.ts'
import type { LaneReport, LaneStatus } from './lane-report.ts'
import { readStatuses } from './status-file.ts'

type Asked =
  'requestId' | 'StudyInstanceUID' | 'revision' | 'time' | 'path' | 'instances' | 'excluded'

/** A delivery that was taken and is not known to have arrived: what persons ask of it. */
export interface Taken {
  readonly key: string
  /** Folder of the stage, or `hand`. */
  readonly stage: string
  readonly destination: Kept['destination']
  readonly record: Pick<DeidentifiedRecord, Asked>
  readonly hasEnded: boolean
}

/** What a lane said last, and whether the process still runs that said it. */
type LaneNow = LaneStatus & { readonly isAlive: boolean }

/** What is on disk about deliveries; whether or not a fiona-send runs. */
export class Overview {
  readonly state: string
  readonly #config: Pick<Config, 'destinations' | 'projects'>
  readonly taken: Taken[] = []
  readonly holds: Holds
  /** Not obeyed yet. */
  readonly orders: { readonly stage: string; readonly order: Order }[] = []
  readonly #lanes: { readonly stage: string; readonly status: LaneNow }[] = []

  private constructor(state: string, config: Pick<Config, 'destinations' | 'projects'>) {
    this.state = state
    this.#config = config
    this.holds = new Holds(join(state, 'holds'))
  }

  /** @param state `<dataDir>/state/fiona-send` */
  static async read(
    state: string,
    config: Pick<Config, 'destinations' | 'projects'>,
  ): Promise<Overview> {
    const overview = new Overview(state, config)
    const within = (folder: string): Promise<string[]> => namesIn(join(state, folder))
    for (const stage of await within('waiting')) {
      for await (const [key, kept] of eachWaiting(join(state, 'waiting', stage))) {
        overview.taken.push(takenOf(key, stage, kept))
      }
    }
    for (const stage of await within('status')) {
      const statuses = await readStatuses(join(state, 'status', stage))
      for (const status of statuses.values()) {
        overview.#lanes.push({ stage, status: { ...status, isAlive: isAlive(status) } })
      }
    }
    for (const stage of await within('orders')) {
      for (const name of await namesIn(join(state, 'orders', stage))) {
        const text = await readIfThere(join(state, 'orders', stage, name))
        const order = parseOrder(text ?? '')
        if (order !== undefined) overview.orders.push({ stage, order })
      }
    }
    await overview.holds.load()
    return overview
  }

  /** Not ended yet. */
  get waiting(): readonly Taken[] {
    return this.taken.filter(({ hasEnded }) => !hasEnded)
  }

  /** Those of the configuration, and where something waits or a person holds it. */
  get destinations(): readonly string[] {
    const held = this.holds.all.filter(({ kind }) => kind === 'destination')
    return [
      ...new Set([
        ...Object.keys(this.#config.destinations),
        ...this.waiting.map(({ destination }) => destination.name),
        ...this.#lanes.filter(({ status }) => status.isAlive).map((one) => one.status.destination),
        ...held.map(({ name }) => name),
      ]),
    ]
  }

  /** What the lane says that runs, or that ran last. */
  laneOf(destination: string, stage?: string): LaneNow | undefined {
    const lanes = this.#lanes
      .filter((one) => one.status.destination === destination)
      .filter((one) => stage === undefined || one.stage === stage)
      .map(({ status }) => status)
      .sort((a, b) => Number(b.isAlive) - Number(a.isAlive) || b.time.localeCompare(a.time))
    return lanes[0]
  }

  /** What arrived on the last day of which anything is known, whoever brought it. */
  todayOf(destination: string): LaneReport['today'] | undefined {
    const all = this.#lanes.filter(({ status }) => status.destination === destination)
    const dates = all.map(({ status }) => status.today.date).sort()
    const date = dates.at(-1)
    if (date === undefined) return undefined
    const days = all.map(({ status: { today } }) => today).filter((day) => day.date === date)
    const sum = (of: (day: LaneReport['today']) => number | undefined): number =>
      days.reduce((total, day) => total + (of(day) ?? 0), 0)
    return {
      date,
      objects: sum(({ objects }) => objects),
      studies: sum(({ studies }) => studies),
      unverified: sum(({ unverified }) => unverified),
      incomplete: sum(({ incomplete }) => incomplete),
    }
  }

  /** A fiona-send runs as that stage. */
  isRunning(stage: string): boolean {
    return this.#lanes.some((one) => one.stage === stage && one.status.isAlive)
  }

  /** A project sends there, whatever it is called. */
  isInForce(url: string): boolean {
    const name = this.nameOf(folderOf(url))
    const { projects } = this.#config
    return Object.values(projects).some(({ destinations }) => destinations.includes(name ?? ''))
  }

  /** The name in the configuration of a destination whose folder in the ledger that is. */
  nameOf(folder: string): string | undefined {
    const names = Object.keys(this.#config.destinations)
    return names.find((name) => {
      const settings = this.#config.destinations[name]
      try {
        const there = settings && readDestination(name, settings, name, ExitCode.badConfig)
        return there !== undefined && folderOf(there.url) === folder
      } catch (error) {
        if (error instanceof FionaError) return false
        throw error
      }
    })
  }

  holdOfDestination(name: string): Hold | undefined {
    return this.holds.all.find((hold) => hold.kind === 'destination' && hold.name === name)
  }

  /** When its window opens; undefined while it is open, or where there is none. */
  windowOf(destination: string): string | undefined {
    const window = this.#config.destinations[destination]?.window ?? undefined
    return window === undefined
      ? undefined
      : new DailyWindow(window).opensAt(new Date())?.toISOString()
  }
}

/** Of ten thousand that wait the whole records would take some 30 MB. */
function takenOf(key: string, stage: string, { destination, record, outcome }: Kept): Taken {
  const { requestId, StudyInstanceUID, revision, time, path, instances, excluded } = record
  const asked = { requestId, StudyInstanceUID, revision, path, instances }
  return {
    key,
    stage,
    destination,
    record: {
      ...asked,
      ...(time === undefined ? {} : { time }),
      ...(excluded === undefined ? {} : { excluded }),
    },
    hasEnded: outcome !== undefined,
  }
}

function isAlive({ process }: LaneStatus): boolean {
  // On another machine or in another container it may well be.
  return livenessOf(process) !== 'dead'
}
