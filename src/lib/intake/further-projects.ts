import type { InstanceRecord } from '../record/index.ts'

/**
 * With `intake.projects: all` an object may be several projects'. It is stored once, but each project has a record
 * of its own. Doors handle one record an object: that of the first project, which carries the others until a
 * sink writes them all. Under a symbol, since what comes from outside as JSON cannot have one.
 */
const further = Symbol('records of further projects')

type Carrier = InstanceRecord & { [further]?: readonly InstanceRecord[] }

export function carryFurther(record: InstanceRecord, records: readonly InstanceRecord[]): void {
  const carrier: Carrier = record
  carrier[further] = records
}

/** Empty for nearly all. */
export function furtherOf(record: object): readonly InstanceRecord[] {
  return (record as Partial<Carrier>)[further] ?? []
}

/** All whose it is. */
export function projectsOf(record: InstanceRecord): (string | undefined)[] {
  return [record, ...furtherOf(record)].map(({ project }) => project)
}
