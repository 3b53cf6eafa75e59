import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import type { Target } from './targets.ts'

/** An input from a file. */
export interface Given {
  readonly target: string
  readonly input: Uint8Array
}

/** All that a seed decides: which target, which input, and how it is cut. */
export function caseOf(
  seed: number,
  targets: Readonly<Record<string, Target>>,
  given?: Given,
): { readonly name: string; readonly input: Buffer; readonly random: Random } {
  const random = new Random(seed)
  if (given !== undefined) return { name: given.target, input: Buffer.from(given.input), random }
  const name = random.pick(Object.keys(targets).sort())
  const { corpus = [] } = targets[name] ?? {}
  return { name, input: mutate(random.pick(corpus), corpus, random), random }
}
