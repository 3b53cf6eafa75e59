import type { FilterLogic } from '../cli/index.ts'
import type { AnyRecord } from '../record/index.ts'
import type { Arrival } from './arrival.ts'

/**
 * The time that the records tell, for replays: it passes only when a record of a later time comes. Records of
 * several writers may be a little out of order; it never goes back.
 */
export class RecordClock {
  ms = 0

  see(record: AnyRecord): number {
    const told = typeof record['time'] === 'string' ? Date.parse(record['time']) : Number.NaN
    return Number.isNaN(told) ? this.ms : Math.max(told, this.ms)
  }
}

/**
 * Decisions by that time: each is made when it was due, before the record that came later. So a journal gives the
 * same records however fast it is read. At its end the clock runs on until nothing is open, or stands still.
 * @param arrival made with this clock for both of its own
 */
export function byRecordClock(
  arrival: Arrival,
  clock: RecordClock,
  atEnd: 'flush' | 'keep',
): FilterLogic {
  /** Decided, and not said yet: where the record behind it is none, its error comes first. */
  const owed: AnyRecord[] = []
  const decideUntil = async (ms: number): Promise<void> => {
    for (let due = arrival.timer.dueAt(); due !== undefined && due <= ms;) {
      clock.ms = Math.max(clock.ms, due)
      for (const record of await arrival.timer.fire(clock.ms)) owed.push(record)
      due = arrival.timer.dueAt()
    }
  }
  return {
    handles: arrival.handles,
    async record(record) {
      const ms = clock.see(record)
      await decideUntil(ms)
      clock.ms = ms
      const said = await arrival.record(record)
      const own = Array.isArray(said) ? (said as AnyRecord[]) : [said as AnyRecord]
      return [...owed.splice(0), ...own]
    },
    mark: (mark) => arrival.mark(mark),
    async end() {
      if (atEnd === 'flush') await decideUntil(Number.POSITIVE_INFINITY)
      return [...owed.splice(0), ...(await arrival.end())]
    },
  }
}
