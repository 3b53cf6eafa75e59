import { FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { nearest, visibleText } from '../text/index.ts'
import { openCase } from './case-header.ts'
import { Classifier } from './classifier.ts'
import { explainType } from './explain-text.ts'
import type { RuleCase } from './read-cases.ts'
import type { RuleSet } from './rule-set.ts'
import type { Classified, DefinitionTrace } from './rules.ts'

/**
 * Holds rules against a case.
 * @param testFile its name, for the first line
 * @returns what differs from the expected types and why, a line each; [] when nothing does
 */
export async function testCase(
  rules: RuleSet,
  { name, line, expect, subject }: RuleCase,
  testFile: string,
): Promise<string[]> {
  const head = `${testFile}:${String(line)}: ${visibleText(name)}`
  let classified: Classified
  try {
    classified =
      subject.kind === 'objects'
        ? classifyDataSets(rules, subject.dataSets)
        : await classifyRecord(rules, subject.record)
  } catch (error) {
    if (!(error instanceof FionaError)) throw error
    return [head, `  cannot be classified: ${visibleText(error.message)}`]
  }
  const { types, trace = [] } = classified
  const missing = [...new Set(expect)].filter((type) => !types.includes(type))
  const extra = types.filter((type) => !expect.includes(type))
  if (missing.length + extra.length === 0) return []
  return [
    head,
    ...missing.flatMap((type) => [
      `  missing: ${visibleText(type)}`,
      ...indented(explainMissing(type, trace, rules)),
    ]),
    ...extra.flatMap((type) => [
      `  not expected: ${visibleText(type)}`,
      ...indented(explainType(type, trace, rules.name)),
    ]),
  ]
}

/** One object has its own types, several are a series. */
function classifyDataSets(rules: RuleSet, dataSets: readonly Buffer[]): Classified {
  const series = rules.startSeries()
  let last: Classified = { types: [] }
  for (const dataSet of dataSets) {
    last = addTo(series, dataSet)
  }
  return dataSets.length === 1 ? last : series.summary(true)
}

function addTo(series: ReturnType<RuleSet['startSeries']>, dataSet: Buffer): Classified {
  using file = openCase(dataSet)
  return series.add(file, true)
}

async function classifyRecord(rules: RuleSet, record: AnyRecord): Promise<Classified> {
  const classified = await new Classifier(rules, { explain: true }).classify(record)
  const types = (classified['ClassifyType'] ?? []) as string[]
  const parts = [classified, ...((classified['series'] ?? []) as Record<string, unknown>[])]
  const trace = parts.flatMap((part) => (part['classifyTrace'] ?? []) as DefinitionTrace[])
  return { types, trace }
}

function explainMissing(type: string, trace: readonly DefinitionTrace[], rules: RuleSet): string[] {
  const lines = explainType(type, trace, rules.name)
  if (lines.length > 0) return lines
  const guess = nearest(type, rules.order.all)
  const meant = guess === undefined ? '' : `; did you mean "${visibleText(guess)}"?`
  return [`${rules.name}: no definition gives this type${meant}`]
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`)
}
