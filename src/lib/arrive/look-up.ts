import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DurableKeeper } from './durable-keeper.ts'
import type { Study } from './study.ts'
import { quietSecondsOf, type WaitingTimes } from './waiting.ts'

/** What is kept of a study. */
export interface KnownStudy {
  /** Whose memory it is in: the stage, or `hand`. */
  readonly stage: string
  readonly project: string | undefined
  /** It has objects that no revision has counted. */
  readonly isOpen: boolean
  readonly revision: number
  readonly instances: number
  readonly bytes: number
  /** Since the last revision. */
  readonly added: number
  readonly series: number
  /** When the first object of the coming revision came: ms since 1970. */
  readonly openedAt: number
  readonly isReleased: boolean
  /** Of its modalities' steps, and how many of the objects they list are not here. */
  readonly mpps?: readonly string[]
  readonly missing?: number
  /** The quiet time in force, by the rhythm of its sender. */
  readonly quietSeconds: (times: WaitingTimes) => number
}

/** Where each fiona-arrive of a site keeps its memory. */
export function stateDirectory(dataDir: string): string {
  return join(dataDir, 'state', 'fiona-arrive')
}

/**
 * What the fiona-arrive of this data directory know of a study, as it stood at their last mark. Nothing is
 * changed; they may run meanwhile.
 * @throws FionaError E_STATE_FORMAT
 */
export async function lookUp(dataDir: string, StudyInstanceUID: string): Promise<KnownStudy[]> {
  const stages = await readdir(stateDirectory(dataDir)).catch(() => [])
  const known: KnownStudy[] = []
  for (const stage of stages.sort()) {
    const directory = join(stateDirectory(dataDir), stage)
    const { studies, evidence, rhythms } = await DurableKeeper.look(directory, StudyInstanceUID)
    for (const study of studies) {
      const quietSeconds = (times: WaitingTimes): number => quietSecondsOf(study, times, rhythms)
      known.push({ stage, ...told(study), ...evidence(study), quietSeconds })
    }
  }
  return known
}

function told(study: Study): Omit<KnownStudy, 'stage' | 'quietSeconds'> {
  return {
    project: study.project,
    isOpen: study.isOpen,
    revision: study.revision,
    instances: study.instances,
    bytes: study.bytes,
    added: study.instances - study.decided,
    series: study.series.size,
    openedAt: study.openedAt,
    isReleased: study.released !== undefined,
  }
}
