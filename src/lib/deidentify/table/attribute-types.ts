import { attributeTypes, describedClasses } from './attribute-types-data.ts'

/** Of PS3.5 7.4: 1 and 1C have a value, 2 and 2C may be empty, 3 may be absent. */
export type AttributeType = 1 | 2 | 3

const root = '1.2.840.10008.5.1.4.1.1.'
const described = classesIn(describedClasses)
const types = new Map(
  attributeTypes.map(({ tag, required = '', mayBeEmpty = '' }) => [
    tag,
    { required: classesIn(required), mayBeEmpty: classesIn(mayBeEmpty) },
  ]),
)

function classesIn(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/))
}

/** Whether the types of attributes are known of objects of a class. */
export function isDescribed(SOPClassUID: string): boolean {
  return described.has(suffixOf(SOPClassUID))
}

/**
 * The type of an attribute at the top of an object of a class; undefined where it is not known. It is known of
 * attributes with a compound action in Table E.1-1 only.
 */
export function typeOf(tag: number, SOPClassUID: string): AttributeType | undefined {
  const suffix = suffixOf(SOPClassUID)
  const attribute = types.get(tag)
  if (attribute === undefined || !described.has(suffix)) return undefined
  if (attribute.required.has(suffix)) return 1
  const { mayBeEmpty } = attribute
  return mayBeEmpty.has(suffix) || mayBeEmpty.has('any') ? 2 : 3
}

function suffixOf(SOPClassUID: string): string {
  return SOPClassUID.startsWith(root) ? SOPClassUID.slice(root.length) : ''
}

/**
 * The alternative of a compound action (`X/Z/D`) that leaves a valid object and the least of the attribute: the first that
 * its type allows. Where the type is not known, the last, which all types allow. References to images (`X/Z/U*`) stay
 * with new UIDs wherever they are: objects still find each other by them, and nobody is identified.
 */
export function alternativeFor(compound: string, type: AttributeType | undefined): string {
  const alternatives = compound.split('/')
  const last = alternatives.at(-1) ?? compound
  if (type === undefined || last === 'U*') return last
  const isAllowed = (one: string) => (one === 'X' ? type === 3 : one === 'Z' ? type >= 2 : true)
  return alternatives.find(isAllowed) ?? last
}
