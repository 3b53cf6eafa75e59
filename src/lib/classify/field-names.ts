import { seriesFields, siemensFieldNames } from '../dicom/index.ts'
import type { SemanticsName } from './rule-definition.ts'

/** Known to the original, but from Siemens' private headers or counted over a series. */
const unfilledNames = new Set(
  `NumSlices NumImages NumFiles MeasID siemensUUID PhaseEncodingDirectionPositive siemensDiffusionInformation
  IncomingConnection`.split(/\s+/),
)

/** A field of the original's series JSON, which rules may name like a keyword. */
export function isFieldName(name: string): boolean {
  return seriesFields().has(name) || unfilledNames.has(name)
}

/**
 * A name that may be used and never has a value. Fields of Siemens' private headers have one in strict only:
 * the original's last version lost them, and its comparisons passed because they were missing.
 */
export function isUnfilled(name: string, semantics: SemanticsName): boolean {
  const ofSiemens = [...siemensFieldNames, 'siemensDiffusionInformation']
  const isRead = semantics === 'strict' && ofSiemens.includes(name)
  return unfilledNames.has(name) && !isRead
}

export function fieldNames(): string[] {
  return [...seriesFields().keys(), ...unfilledNames]
}
