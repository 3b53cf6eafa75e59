import { tagOf, vrOf } from '../dicom/index.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import { nearest } from '../text/index.ts'
import { addressForms, addressTest, isAddressRange } from './address-range.ts'

/** Facts of the connection that a project can match by; every other key is the keyword of an attribute. */
const connectionFacts = ['callingAET', 'calledAET', 'address'] as const
export type ConnectionFact = (typeof connectionFacts)[number]

/** What a condition looks at: a fact of the connection, or the attribute with this tag. */
export type Subject = ConnectionFact | number

/** Value representations that have no text to hold a pattern against. */
const withoutText = new Set(['SQ', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN'])

/** What is wrong with a condition, to be said behind the place where it stands. */
export class ConditionError extends Error {}

/** @throws ConditionError for a key that is no fact and no attribute, or one without text */
export function subjectOf(key: string): Subject {
  if (isConnectionFact(key)) return key
  const tag = tagOf(key)
  if (tag === undefined) {
    const guess = nearest(key, connectionFacts)
    const meant = guess === undefined ? '' : `; did you mean "${guess}"?`
    throw new ConditionError(
      `is neither ${connectionFacts.join(', ')} nor the keyword of a DICOM attribute${meant}`,
    )
  }
  const vr = vrOf(tag, false) ?? 'UN'
  if (withoutText.has(vr)) {
    const what = vr === 'SQ' ? 'is a sequence' : 'holds bytes'
    throw new ConditionError(`${what}; name an attribute of the top level that has text or numbers`)
  }
  return tag
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
