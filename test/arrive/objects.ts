import { Arrival, DurableKeeper, HeadOnly } from '../../src/lib/arrive/index.ts'
import type { ArrivalOptions } from '../../src/lib/arrive/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'

export interface ObjectName {
  readonly study?: number
  readonly series?: number
  readonly object?: number
}

/** The record of an object as the receiver writes it. */
export function instance(name: ObjectName = {}, more: Record<string, unknown> = {}): AnyRecord {
  const StudyInstanceUID = `2.25.${String(name.study ?? 1)}`
  const SeriesInstanceUID = `${StudyInstanceUID}.${String(name.series ?? 1)}`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(name.object ?? 1)}`
  return {
    type: 'instance',
    path: `/data/default/archive/${StudyInstanceUID}/${SeriesInstanceUID}/${SOPInstanceUID}.dcm`,
    size: 100,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID,
    SeriesInstanceUID,
    StudyInstanceUID,
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    source: { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1' },
    attributes: { PatientID: 'P1', Modality: 'CT', SeriesDescription: 'Axial' },
    ...more,
  }
}

/** Two clocks in one, moved by hand. */
export class Clock {
  ms = 1_700_000_000_000
  now = (): number => this.ms
}

export const quietMs = 16_000
export const maxWaitMs = 3_600_000

export type Overrides = Partial<ArrivalOptions> & {
  readonly directory?: string
  readonly shortLogBytes?: number
  readonly onBroken?: (bytes: number, copy: string) => void
}

export function arrivalOf(clock: Clock, overrides: Overrides = {}): Promise<Arrival> {
  const { directory, shortLogBytes, onBroken, ...options } = overrides
  return Arrival.start(
    {
      quietSeconds: quietMs / 1000,
      maxWaitSeconds: maxWaitMs / 1000,
      atEnd: 'flush',
      deliveredBy: 'writing',
      now: clock.now,
      wallClock: clock.now,
      ...options,
    },
    async (restore) =>
      directory === undefined
        ? new HeadOnly()
        : DurableKeeper.open(directory, restore, {
            ...(shortLogBytes === undefined ? {} : { shortLogBytes }),
            ...(onBroken === undefined ? {} : { onBroken }),
          }),
  )
}

export function listed(result: unknown): AnyRecord[] {
  if (result === undefined) return []
  return (Array.isArray(result) ? result : [result]) as AnyRecord[]
}

/** Let time pass; the timer fires whenever it is due, as the filters' shell does it. */
export async function pass(arrival: Arrival, clock: Clock, ms: number): Promise<AnyRecord[]> {
  const until = clock.ms + ms
  const said: AnyRecord[] = []
  for (;;) {
    const due = arrival.timer.dueAt()
    if (due === undefined || due > until) break
    clock.ms = Math.max(clock.ms, due)
    for (const record of await arrival.timer.fire(clock.ms)) said.push(record)
  }
  clock.ms = until
  return said
}

export function ofType(type: string, records: readonly AnyRecord[]): AnyRecord[] {
  return records.filter((record) => record.type === type)
}
