import { knownKeywords, readTagForm, type TagForm, tagOf, vrOf } from '../dicom/index.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import { nearest } from '../text/index.ts'
import { addressForms, addressTest, isAddressRange } from './address-range.ts'

/** Facts of the connection that a project can match by; every other key is of an attribute. */
const connectionFacts = ['callingAET', 'calledAET', 'address'] as const
export type ConnectionFact = (typeof connectionFacts)[number]

/** What a condition looks at. */
export type Subject = ConnectionFact | TagForm

/** Value representations that have no text to hold a pattern against. */
const withoutText = new Set(['SQ', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'])

/** What is wrong with a condition, to be said behind the place where it stands. */
export class ConditionError extends Error {}

/**
 * An attribute is written as in classification rules: its keyword, a path through sequences with dots, or the array of
 * a `tag` as JSON (`["0x0019","SIEMENS MR HEADER","0x0c"]`), since a key of YAML is a text.
 * @throws ConditionError for a key that is no fact and no attribute, or one without text
 */
export function subjectOf(key: string): Subject {
  if (isConnectionFact(key)) return key
  const form = readTagForm(key.startsWith('[') ? partsOf(key) : [key])
  if ('problem' in form) throw new ConditionError(`is no tag: ${form.problem}`)
  if (form.kind === 'private') return form
  const tag = form.kind === 'name' ? tagOf(form.name) : form.tag
  if (tag === undefined) throw unknownName(form.kind === 'name' ? form.name : key)
  const vr = vrOf(tag, false)
  if (vr !== undefined && withoutText.has(vr)) {
    const remedy =
      vr === 'SQ'
        ? 'is a sequence; name an attribute in its items, behind a dot'
        : 'holds bytes; name an attribute that has text or numbers'
    throw new ConditionError(remedy)
  }
  return form
}

function partsOf(key: string): readonly unknown[] {
  try {
    return JSON.parse(key) as unknown[]
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ConditionError(
      `is no tag: write it as JSON has it, and within '…': '["0x0019","SIEMENS MR HEADER","0x0c"]'`,
    )
  }
}

function unknownName(name: string): ConditionError {
  if (name === 'ClassifyType') {
    return new ConditionError('is not known yet when an object arrives, so it decides no project')
  }
  const guess = nearest(name, [...connectionFacts, ...knownKeywords()])
  const meant = guess === undefined ? '' : `; did you mean "${guess}"?`
  return new ConditionError(
    `is neither ${connectionFacts.join(', ')} nor the keyword of a DICOM attribute${meant}`,
  )
}

/**
 * What one text of a condition asks of a value: an address by address or range, all else by a regular
 * expression, as those of classification rules are, which no value can keep busy.
 * @throws ConditionError for a text that is none of them
 */
export function valueTest(subject: Subject, text: string): (value: string) => boolean {
  if (subject === 'address') {
    if (isAddressRange(text)) return addressTest(text)
    throw new ConditionError(`is no address: ${JSON.stringify(text)}; write ${addressForms}`)
  }
  try {
    const pattern = new BoundedRegExp(text)
    return (value) => pattern.test(value)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new ConditionError(
      `is no regular expression that can be used: ${error.message}, at character ${String(error.at + 1)} of ${text}; docs/rules.md tells what may stand there`,
    )
  }
}

function isConnectionFact(key: string): key is ConnectionFact {
  return (connectionFacts as readonly string[]).includes(key)
}
