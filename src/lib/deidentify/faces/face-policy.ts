import type { Condition } from '../pixels/index.ts'

/** What a project wants done with series in which a face could be recognized. */
export interface FacePolicy {
  /** The project may have faces: RecognizableVisualFeatures YES is no reason to hold a study. */
  readonly isAccepted: boolean
  /** Series of heads are not to go out without having been defaced, also where there is no command. */
  readonly isRequired: boolean
  readonly command: DefacingCommand | undefined
  /** Does an object show a head? That it says so itself (RecognizableVisualFeatures) comes first. */
  readonly showsHead: Condition
}

export interface DefacingCommand {
  /** A program and its arguments; the folders come behind them. There is no shell. */
  readonly argv: readonly string[]
  /** For one series; then its process group is ended. */
  readonly seconds: number
}

export const usualSeconds = 1800

/** Without a word of the project: who could be recognized waits for a person. */
export const holdFaces: FacePolicy = {
  isAccepted: false,
  isRequired: false,
  command: undefined,
  showsHead: () => false,
}
