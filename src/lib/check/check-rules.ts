import { RuleSet } from '../classify/index.ts'
import type { Config } from '../config/index.ts'
import { unknownProfile } from '../deidentify/index.ts'
import { about, type Finding, ok, thrown, warning } from './finding.ts'

const mostShown = 10

/** Classification rules, and the profiles that projects name. */
export async function checkRules({ classification, projects }: Config): Promise<Finding[]> {
  const found: Finding[] = []
  try {
    const rules = await RuleSet.load(classification.rules, classification.semantics)
    found.push(ok('rules', `${rules.name}: ${String(rules.definitions)} definitions`))
    found.push(...rules.warnings.slice(0, mostShown).map((each) => remark(rules.name, each)))
    if (rules.warnings.length > mostShown) {
      const text = `${rules.name}: ${String(rules.warnings.length)} remarks in all`
      const hint = `fiona-classify --rules ${rules.name} --lint shows them`
      found.push(warning('rules', text, hint))
    }
  } catch (problem) {
    found.push(thrown('rules', problem))
  }
  for (const [project, { deidentify }] of Object.entries(projects)) {
    const profile = deidentify?.profile ?? 'basic'
    const what = `profile of ${project}`
    if (profile === 'basic') found.push(ok(what, 'basic (PS3.15)'))
    else
      found.push(
        about(thrown(what, unknownProfile()), 'projects', project, 'deidentify', 'profile'),
      )
  }
  return found
}

function remark(name: string, { line, column, message }: RuleSet['warnings'][number]): Finding {
  const at = `${name}:${String(line)}:${String(column)}`
  return warning('rules', `${at}: ${message}`, 'correct it if it was not meant so; docs/rules.md')
}
