import type { FateChanges } from './fates.ts'
import { shown, type Touched } from './rows.ts'
import type { Statements } from './statements.ts'

interface Counts {
  studies: number
  series: number
  instances: number
  bytes: number
  lastTime: number
  held: number
  failed: number
  delivered: number
  errors: number
}

const none: Counts = {
  ...{ studies: 0, series: 0, instances: 0, bytes: 0, lastTime: 0 },
  ...{ held: 0, failed: 0, delivered: 0, errors: 0 },
}

/** What a batch adds to the counts of each project: a list of projects must not count what they have. */
export class ProjectCounts {
  readonly #projects = new Map<string, Counts>()

  /** One more that nobody has handed in again, or one less. */
  error(project: string, more: 1 | -1): void {
    this.#of(project).errors += more
  }

  study({ row, project, isNew, before }: Touched): void {
    const counts = this.#of(project)
    const now = shown(row)
    if (isNew) counts.studies += 1
    counts.instances += now.instances - before.instances
    counts.bytes += now.bytes - before.bytes
    counts.lastTime = Math.max(counts.lastTime, row.lastTime)
  }

  series({ project, isNew }: Touched): void {
    if (isNew) this.#of(project).series += 1
  }

  fates(changes: FateChanges): void {
    for (const [project, { held = 0, failed = 0, delivered = 0 }] of changes) {
      const counts = this.#of(project)
      counts.held += held
      counts.failed += failed
      counts.delivered += delivered
    }
  }

  write({ project }: Statements): void {
    for (const [name, counts] of this.#projects) project.run({ name, ...counts })
  }

  #of(project: string): Counts {
    const known = this.#projects.get(project) ?? { ...none }
    this.#projects.set(project, known)
    return known
  }
}
