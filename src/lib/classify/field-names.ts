import { seriesFields } from '../dicom/index.ts'

/** Known to the original, but from Siemens' private headers or counted over a series. */
const unfilledNames = new Set(
  `NumSlices NumImages NumFiles MeasID siemensUUID PhaseEncodingDirectionPositive siemensDiffusionInformation
  IncomingConnection`.split(/\s+/),
)

/** A field of the original's series JSON, which rules may name like a keyword. */
export function isFieldName(name: string): boolean {
  return seriesFields().has(name) || unfilledNames.has(name)
}

/** A name that may be used and has no value (yet). */
export function isUnfilled(name: string): boolean {
  return unfilledNames.has(name)
}

export function fieldNames(): string[] {
  return [...seriesFields().keys(), ...unfilledNames]
}
