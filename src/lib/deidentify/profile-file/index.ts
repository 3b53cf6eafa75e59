/**
 * Profile files: what a project wants done, written by people. YAML or JSON of a form (`schema.ts`) whose every part
 * is read with its place, so that a mistake is told with line, column and what was probably meant; then one
 * `Profile` is made of it. What was hardly meant, and what weakens, `lint.ts` tells.
 */
export { compileProfile } from './compile-profile.ts'
export { convertOriginal } from './convert.ts'
export { lintProfile } from './lint.ts'
export { Problems, formatProblem } from './problems.ts'
export { readProfile } from './read-profile.ts'
