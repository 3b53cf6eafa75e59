import { type AlwaysHeld, type ObjectPolicy, isAlwaysHeld, policyOf } from '../object-policy.ts'
import type { ProfileOption } from '../profile/profile-options.ts'
import type { Rule } from '../rules/rule.ts'
import { type Sound, checkSchema } from './check-schema.ts'
import type { Problems } from './problems.ts'
import { checkParts, readRule } from './read-rule.ts'
import type { ProfileText, RuleText } from './schema.ts'
import { meantClass, sopClassOf, sopClassesOf } from './sop-classes.ts'
import { type Source, readSource } from './source.ts'
import { readRegTagChange, readTagChange, withKeyedUid } from './tag-changes.ts'

/** What is done with all objects of a class: as ever, with their content cleaned, left out, or held. */
export type ObjectChoice = 'keep' | 'clean' | 'drop' | 'review'

/** A profile file, taken apart; names and places of what it says are those of the file. */
export interface ProfileFile {
  readonly text: ProfileText
  readonly source: Source
  /** Its own, then those of tagchange, then those of regtagchange: the order in which they are asked. */
  readonly rules: readonly Rule[]
  /** By SOP class UID. */
  readonly objects: ReadonlyMap<string, ObjectChoice>
  /** As `exclude` of a project has them. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
  /** Keys of the file with mistakes under them: what is missing there may have been meant. */
  readonly doubtful: ReadonlySet<string>
}

/** Told so many mistakes, whoever wrote it has enough to do. */
const mostMistakes = 20

/**
 * All mistakes go into `problems`, those of form and those of meaning; what is left of the file without them may
 * contradict itself. Undefined where nothing can be read.
 */
export function readProfile(written: string, problems: Problems): ProfileFile | undefined {
  const source = readSource(written, problems)
  if (source === undefined) return undefined
  if (source.value === null || source.value === undefined) {
    problems.mistake(0, 'the profile is empty; the least is `base: basic`')
    return undefined
  }
  const sound = checkSchema(source, problems)
  if (sound === undefined) return undefined
  const { text } = sound
  const before = problems.mistakes
  const rules = readRules(sound, source, problems)
  const doubtful = new Set([...sound.doubtful, ...(problems.mistakes > before ? ['rules'] : [])])
  const objects = readObjects(text, source, problems)
  const exclude = readExclusions(text, source, problems)
  checkTerms(text, source, problems)
  return { text, source, rules, objects, exclude, doubtful }
}

function readRules({ text, broken }: Sound, source: Source, problems: Problems): Rule[] {
  const { hashStyle = 'keyed', uidStyle = 'keyed' } = text
  const rules: Rule[] = []
  const read = (rule: RuleText, keys: readonly (string | number)[]): void => {
    if (problems.mistakes >= mostMistakes) return
    const one = readRule(rule, keys, source, problems, { hashStyle, uidStyle })
    if (one !== undefined) rules.push(one)
  }
  text.rules?.forEach((rule, at) => {
    read(rule, ['rules', at])
  })
  for (const [at, rest] of broken) checkParts(rest, ['rules', at], source, problems)
  for (const [key, readOne] of [
    ['tagchange', readTagChange],
    ['regtagchange', readRegTagChange],
  ] as const) {
    text[key]?.forEach((written, at) => {
      const rule = readOne(written)
      if ('problem' in rule) problems.mistake(source.at([key, at]), rule.problem)
      else read(uidStyle === 'keyed' ? withKeyedUid(rule) : rule, [key, at])
    })
  }
  return rules
}

function readObjects(
  { objects }: ProfileText,
  source: Source,
  problems: Problems,
): Map<string, ObjectChoice> {
  const byKind: { choice: ObjectChoice; uids: readonly string[] }[] = []
  for (const [name, choice] of Object.entries(objects ?? {})) {
    // The list of exclusions has a reader of its own.
    if (typeof choice !== 'string') continue
    const uids = sopClassesOf(name)
    if (uids === undefined) {
      problems.mistake(
        source.at(['objects', name], true),
        `no kind of object is called ${JSON.stringify(name)}${meantClass(name, true)}`,
      )
    } else byKind.push({ choice, uids })
    if (choice === 'clean' && uids?.every((uid) => cleaningOf(policyOf(uid)) === undefined)) {
      problems.mistake(
        source.at(['objects', name]),
        `${name} have no content that is cleaned by itself: clean is for PR, SR and KO; take keep, drop or review`,
      )
    }
    const closed = uids?.map((uid) => policyOf(uid)).find((policy) => isClosed(policy))
    if (closed !== undefined && choice === 'keep') {
      problems.mistake(
        source.at(['objects', name]),
        `no rule can look into objects of this kind (${closed.replaceAll('-', ' ')}): review, which is what happens without a word, or drop`,
      )
    }
  }
  // A class by its own name counts more than the kind that it belongs to.
  byKind.sort((a, b) => b.uids.length - a.uids.length)
  return new Map(byKind.flatMap(({ choice, uids }) => uids.map((uid) => [uid, choice])))
}

/** The option by which the content of such objects is cleaned; undefined where there is none. */
export function cleaningOf(policy: ObjectPolicy | undefined): ProfileOption | undefined {
  if (policy === 'report') return 'cleanStructuredContent'
  return policy === 'presentation' ? 'cleanGraphics' : undefined
}

function isClosed(policy: ObjectPolicy | undefined): policy is AlwaysHeld {
  return policy !== undefined && isAlwaysHeld(policy)
}

function readExclusions(
  { objects }: ProfileText,
  source: Source,
  problems: Problems,
): Readonly<Record<string, string>>[] {
  return (objects?.exclude ?? []).flatMap((entry, at) => {
    const { SOPClass, ...others } = entry
    const sopClass = SOPClass === undefined ? undefined : sopClassOf(SOPClass)
    if (SOPClass !== undefined && sopClass === undefined) {
      problems.mistake(
        source.at(['objects', 'exclude', at, 'SOPClass']),
        `no SOP class is called ${JSON.stringify(SOPClass)}${meantClass(SOPClass, false)}`,
      )
      return []
    }
    return [{ ...others, ...(sopClass === undefined ? {} : { sopClass }) }]
  })
}

/** What is searched must be something that is not in every object. */
const shortestTerm = 4

function checkTerms({ verify }: ProfileText, source: Source, problems: Problems): void {
  verify?.extraTerms?.forEach((term, at) => {
    if (Array.from(term.trim()).length >= shortestTerm) return
    problems.mistake(
      source.at(['verify', 'extraTerms', at]),
      `${JSON.stringify(term)} is shorter than ${String(shortestTerm)} characters, and would be found in every other object`,
    )
  })
}
