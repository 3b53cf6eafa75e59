import { RuleSet } from '../classify/index.ts'
import type { Config, ProjectConfig } from '../config/index.ts'
import {
  checkProfile,
  formatProblem,
  loadProfile,
  namingOf,
  requireHonoured,
  settingsOf,
} from '../deidentify/index.ts'
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
    found.push(...(await checkProfileOf(project, deidentify)), ...checkNaming(project, deidentify))
  }
  return found
}

async function checkProfileOf(
  project: string,
  deidentify: ProjectConfig['deidentify'],
): Promise<Finding[]> {
  const name = deidentify?.profile ?? 'basic'
  const what = `profile of ${project}`
  if (name === 'basic') return [ok(what, 'basic (PS3.15)')]
  const inConfig = (finding: Finding) =>
    about(finding, 'projects', project, 'deidentify', 'profile')
  try {
    const settings = settingsOf(deidentify)
    const { problems } = await checkProfile(name, settings)
    // With its mistakes, or for want of knowing, it would not be taken.
    const profile = await loadProfile(name, settings)
    requireHonoured(project, settings, profile)
    const shown = problems.slice(0, mostShown).map((problem) => {
      return warning(
        what,
        formatProblem(name, problem),
        'see that it is meant so; docs/profiles.md',
      )
    })
    if (problems.length > mostShown) {
      const text = `${name}: ${String(problems.length)} remarks in all`
      shown.push(warning(what, text, `fiona-anon --lint ${name} shows them`))
    }
    return [ok(what, `${name} (${profile.digest.slice(0, 12)})`), ...shown]
  } catch (problem) {
    return [inConfig(thrown(what, problem))]
  }
}

/** A pattern that makes no names is told now, and not when the first patient needs one. */
function checkNaming(project: string, deidentify: ProjectConfig['deidentify']): Finding[] {
  try {
    namingOf(project, deidentify?.pseudonym, deidentify?.pattern)
    return []
  } catch (problem) {
    const finding = thrown(`participants of ${project}`, problem)
    return [about(finding, 'projects', project, 'deidentify', 'pattern')]
  }
}

function remark(name: string, { line, column, message }: RuleSet['warnings'][number]): Finding {
  const at = `${name}:${String(line)}:${String(column)}`
  return warning('rules', `${at}: ${message}`, 'correct it if it was not meant so; docs/rules.md')
}
