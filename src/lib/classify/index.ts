/**
 * What is it? Rules in the original FIONA's own language give each object, series and study its
 * types. A rule file is read once, with the place of everything in it (json-source, read-rules), so
 * that a mistake is refused at start with its line; then compiled for one of two semantics: `strict`,
 * in which nothing that is missing matches, or `compat`, in which everything is as it was. Regular
 * expressions run in bounded time, whoever wrote them and whatever a sender put into its header.
 */
export { Classifier, type ClassifierOptions } from './classifier.ts'
export { type RuleProblem, formatProblem } from './problems.ts'
export { type RuleCase, loadCases, parseCases } from './read-cases.ts'
export type { SemanticsName } from './rule-definition.ts'
export { RuleSet, lintRules } from './rule-set.ts'
export { testCase } from './test-rules.ts'
export { type RuleChange, WatchedRules } from './watched-rules.ts'
