// Targets with known mistakes: the fuzzer must find them.
import type { Target } from './targets.ts'

const seedInput = Buffer.from('0123456789')

const throwing: Target = {
  corpus: [seedInput],
  run: (input) => {
    if (input.length > 12) throw new RangeError('longer than twelve')
  },
}
const endless: Target = {
  corpus: [seedInput],
  run: (input) => {
    while (input.length < 8);
  },
}

/** Which of them is told by the environment: modules have no arguments. */
export const targets: Readonly<Record<string, Target>> =
  process.env['PLANTED'] === 'endless' ? { endless } : { throwing }
