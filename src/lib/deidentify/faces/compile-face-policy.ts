import { conditionsOf } from '../pixels/index.ts'
import type { Condition } from '../pixels/index.ts'
import { type FacePolicy, holdFaces, usualSeconds } from './face-policy.ts'
import { usuallyShowsHead } from './look-for-faces.ts'

/** What stands under `deface` of a profile, by its schema. */
export interface FaceText {
  readonly command?: readonly string[]
  readonly seconds?: number
  readonly required?: boolean
  readonly accept?: boolean
  readonly when?: unknown
}

/**
 * @param mistake told of what contradicts itself, and of the key where it stands
 * @throws FionaError E_PROFILE for a condition that is none, with its place
 */
export function compileFacePolicy(
  text: FaceText | undefined,
  mistake: (key: keyof FaceText, message: string) => void,
): FacePolicy {
  if (text === undefined) return holdFaces
  const { command, seconds, required = false, accept = false, when } = text
  const [program = ''] = command ?? []
  if (accept && (required || command !== undefined)) {
    mistake('accept', 'faces are accepted, or they are removed: leave out accept, or the rest')
  }
  if (!accept && !required && command === undefined) {
    mistake('required', 'deface says nothing: give it a command, required: true or accept: true')
  }
  if (seconds !== undefined && command === undefined) {
    mistake('seconds', '"seconds" is the time that a command has, and there is none')
  }
  if (when !== undefined && accept) mistake('when', '"when" does nothing where faces are accepted')
  if (program.includes('/') && !program.startsWith('/')) {
    mistake(
      'command',
      'the program would be looked for in a folder of its own: write its whole path, or its name alone where PATH has it',
    )
  }
  return {
    isAccepted: accept,
    isRequired: required,
    command:
      command === undefined ? undefined : { argv: command, seconds: seconds ?? usualSeconds },
    showsHead: when === undefined ? usuallyShowsHead : anyOf(when),
  }
}

/** One table of conditions, all of which must hold, or a list of tables of which one is enough. */
function anyOf(when: unknown): Condition {
  const tables: readonly unknown[] = Array.isArray(when) ? when : [when]
  const all = tables.map((table, at) =>
    conditionsOf(table, Array.isArray(when) ? `deface.when[${String(at)}]` : 'deface.when'),
  )
  return (file, types) =>
    all.some((conditions) => conditions.every((condition) => condition(file, types)))
}
