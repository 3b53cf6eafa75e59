import type { Lease } from '../journal/index.ts'
import { leaseVariable } from './orphans.ts'
import { Pipeline } from './pipeline.ts'
import type { StageOptions } from './stage-options.ts'
import { Workers } from './workers.ts'

/** Several have a memory each, under a name that tells how many there are: a study belongs to one of them. */
export function startWorkers(
  { pipeline, workers, name, environment }: StageOptions,
  lease: Lease,
): Workers {
  const started: Pipeline[] = []
  try {
    for (let worker = 1; worker <= workers; worker++) {
      const own =
        workers === 1
          ? {}
          : { FIONA_STAGE: `${name}.${worker}-of-${workers}`, FIONA_STAGE_WORKER: String(worker) }
      started.push(new Pipeline(pipeline, { ...environment, ...own, [leaseVariable]: lease.token }))
    }
  } catch (error) {
    for (const one of started) one.kill()
    throw error
  }
  return new Workers(started)
}
