import { tagOf } from '../dicom/index.ts'

/**
 * The names that the original's series JSON knows, which rules may use like keywords. Most are
 * keywords; these are the ones that are not, or that stand for another element.
 */
const ownNames: Readonly<Record<string, number>> = {
  AcquisitionLength: 0x0051100a,
  SequenceType: 0x20011020,
  PulseSequenceName: 0x0019109c,
  ActiveCoils: 0x0051100f,
  SliceSpacing: 0x00180088,
  Slices: 0x0021104f,
  Private0019_105a: 0x0019105a,
  Private0019_10BB: 0x001910bb,
  Private0043_1039: 0x00431039,
}

const keywordNames =
  `Modality Manufacturer ManufacturerModelName AcquisitionMatrix StudyInstanceUID SeriesInstanceUID
  SOPClassUID StudyDate StudyTime SeriesTime PatientID PatientName PatientSex InstitutionName StationName
  AccessionNumber OperatorsName StudyID StudyDescription SeriesDescription SeriesNumber InstanceNumber SequenceName
  ScanningSequence SequenceVariant ScanOptions EchoTime RepetitionTime SliceThickness SliceLocation
  ImagesInAcquisition NumberOfTemporalPositions ImageType`.split(/\s+/)

/** Known to the original, but from Siemens' private headers or counted over a series. */
const unfilledNames = new Set(
  `NumSlices NumImages NumFiles MeasID siemensUUID PhaseEncodingDirectionPositive siemensDiffusionInformation
  IncomingConnection`.split(/\s+/),
)

/** Tag by name, in the original's series JSON. OSLevel is made of another value. */
export const seriesFields: ReadonlyMap<string, number> = new Map([
  ...keywordNames.map((name) => [name, tagOf(name) ?? 0] as const),
  ...Object.entries(ownNames),
  ['OSLevel', 0x00181020],
])

export function isFieldName(name: string): boolean {
  return seriesFields.has(name) || unfilledNames.has(name)
}

/** A name that may be used and has no value (yet). */
export function isUnfilled(name: string): boolean {
  return unfilledNames.has(name)
}

export function fieldNames(): string[] {
  return [...seriesFields.keys(), ...unfilledNames]
}

/** `release:<level>` of GE, or the `N4_<level>` baseline of Siemens, in Software Versions. */
export function osLevelOf(softwareVersions: string): string | undefined {
  return (
    /release:([^\s,;'"\]]+)/.exec(softwareVersions)?.[1] ??
    /N4_([\w.]+)/.exec(softwareVersions)?.[1]
  )
}
