import { RuleSet } from '../classify/index.ts'
import type { Config } from '../config/index.ts'
import { unknownProfile } from '../deidentify/index.ts'
import { type Finding, ok, thrown, warning } from './finding.ts'

/** Classification rules, and the profiles that projects name. */
export async function checkRules({ classification, projects }: Config): Promise<Finding[]> {
  const found: Finding[] = []
  try {
    const rules = await RuleSet.load(classification.rules, classification.semantics)
    const count = rules.warnings.length
    found.push(
      count === 0
        ? ok('rules', `${rules.name}: ${String(rules.definitions)} definitions`)
        : warning(
            'rules',
            `${rules.name}: ${String(count)} remarks`,
            `fiona-classify --rules ${rules.name} --lint shows them`,
          ),
    )
  } catch (problem) {
    found.push(thrown('rules', problem))
  }
  for (const [project, { deidentify }] of Object.entries(projects)) {
    const profile = deidentify?.profile ?? 'basic'
    const what = `profile of ${project}`
    if (profile === 'basic') found.push(ok(what, 'basic (PS3.15)'))
    else found.push(thrown(what, unknownProfile()))
  }
  return found
}
