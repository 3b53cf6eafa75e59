import type { Config } from '../config/index.ts'
import { openHeader } from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import {
  identityOf,
  ProjectChoice,
  type ExplainedChoice,
  type ObjectSource,
} from '../intake/index.ts'
import { visibleJson, visibleText } from '../text/index.ts'
import { linesOf } from './explained-choice.ts'
import { objectsToExplain } from './objects-to-explain.ts'

export interface Explanation {
  readonly config: Pick<Config, 'dataDir' | 'projects' | 'intake'>
  /** A DICOM file, or the StudyInstanceUID of a study. */
  readonly word: string
  /** Facts of the connection that are to count instead of what is known. */
  readonly source: ObjectSource
  readonly json: boolean
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** Told of objects that cannot be read, by code alone: what names them may name a patient. */
  readonly onUnreadable: (code: string, objects: number) => void
}

/** Objects that went the same way for the same reasons, and what was seen of the first of them. */
export interface Alike {
  readonly path: string
  readonly lies: string | undefined
  readonly source: ObjectSource
  readonly choice: ExplainedChoice
  objects: number
}

/**
 * Which project's tree an object goes to, and why, by the code that decides at reception. Objects of a study
 * that went the same way are told of once.
 * @throws FionaError E_STUDY_UNKNOWN, E_FILE_MISSING, E_DICOM_PARSE, E_UID_INVALID, E_CONFIG
 */
export async function explainProject(explanation: Explanation): Promise<void> {
  const { config, word, json, signal, print, onUnreadable } = explanation
  const chooser = new ProjectChoice(config.projects, config.intake)
  const groups = new Map<string, Alike>()
  const unreadable = new Map<string, number>()
  let trouble: FionaError | undefined
  for (const { path, project, source: known } of await objectsToExplain(
    config.dataDir,
    word,
    signal,
  )) {
    if (signal.aborted) return
    const source = { ...known, ...explanation.source }
    try {
      const choice = explainFile(chooser, path, source)
      const key = JSON.stringify([project, source, choice.asked.map(reasonsOf)])
      const alike = groups.get(key) ?? { path, lies: project, source, choice, objects: 0 }
      alike.objects++
      groups.set(key, alike)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      trouble ??= error
      unreadable.set(error.code, (unreadable.get(error.code) ?? 0) + 1)
    }
  }
  if (groups.size === 0 && trouble !== undefined) throw trouble
  for (const [code, objects] of unreadable) onUnreadable(code, objects)
  for (const alike of groups.values()) {
    if (json) await print(visibleJson(recordOf(alike)))
    else for (const line of linesOf(alike, config)) await print(visibleText(line))
  }
}

/** A function of its own: esbuild's `using`, once it has failed in a loop, throws that error in every later round. */
function explainFile(chooser: ProjectChoice, path: string, source: ObjectSource): ExplainedChoice {
  using file = openHeader(path)
  // What has none is refused at reception, whatever its project would be.
  identityOf(file)
  return chooser.explain(source, file)
}

/** Values differ from object to object; what matters is what they led to. */
function reasonsOf({ alternatives }: ExplainedChoice['asked'][number]): boolean[][] {
  return alternatives.map(({ conditions }) => conditions.map((condition) => condition.holds))
}

function recordOf({ path, lies, source, choice, objects }: Alike): object {
  return {
    type: 'explanation',
    path,
    objects,
    ...(lies === undefined ? {} : { lies }),
    source,
    projects: choice.projects,
    asked: choice.asked,
  }
}
