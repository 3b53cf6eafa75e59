import { fitText, visibleText } from '../text/index.ts'
import type { Finding, FindingKind } from './finding.ts'

const kinds: readonly (readonly [FindingKind, string])[] = [
  ['unrecorded', 'NO RECORD'],
  ['unseen', 'NO VIEWS'],
  ['gone', 'FILE GONE'],
  ['foreign', 'FOREIGN'],
]
const projectWidth = 12
const leastStudyWidth = 12
const gap = '  '

/**
 * What was found, for people: a line for each study, as it comes. Nothing is held but the study in hand; one of which more is
 * found later has another line.
 */
export class StudyTable {
  readonly #studyWidth: number
  #hasTitle = false
  #project = ''
  #study: string | undefined
  #counts = new Map<FindingKind, number>()

  /** @param columns of the terminal */
  constructor(columns: number) {
    const others = kinds.map(([, title]) => title.length + gap.length).reduce((a, b) => a + b, 0)
    const room = columns - projectWidth - gap.length - others
    this.#studyWidth = Math.min(64, Math.max(leastStudyWidth, room))
  }

  /** @returns lines that are complete now */
  add({ project, StudyInstanceUID = '-', found }: Finding): string[] {
    const isSame = project === this.#project && StudyInstanceUID === this.#study
    const lines = isSame ? [] : this.end()
    this.#project = project
    this.#study = StudyInstanceUID
    this.#counts.set(found, (this.#counts.get(found) ?? 0) + 1)
    return lines
  }

  /** The last line. */
  end(): string[] {
    if (this.#study === undefined) return []
    const counts = kinds.map(([kind, title]) =>
      String(this.#counts.get(kind) ?? '').padStart(title.length),
    )
    const lines = [
      ...(this.#hasTitle
        ? []
        : [
            this.#line(
              'PROJECT',
              'STUDY',
              kinds.map(([, title]) => title),
            ),
          ]),
      this.#line(this.#project, this.#study, counts),
    ]
    this.#hasTitle = true
    this.#study = undefined
    this.#counts = new Map()
    return lines
  }

  #line(project: string, study: string, counts: readonly string[]): string {
    return [
      fitText(visibleText(project), projectWidth),
      fitText(visibleText(study), this.#studyWidth),
      ...counts,
    ]
      .join(gap)
      .trimEnd()
  }
}
