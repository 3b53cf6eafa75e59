// What an object is asked to find out whose it is: `match` of a project, compiled, and ranges of addresses.
export { addressForms, addressTest, isAddressRange } from './address-range.ts'
export { attributeText } from './attribute-text.ts'
export { compileMatch, type Alternatives, type Condition, type Match } from './compile-match.ts'
export type { ConnectionFact } from './condition.ts'
