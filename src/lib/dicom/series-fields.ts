import { tagOf } from './dictionary.ts'

/**
 * The fields that the original FIONA wrote beside each series, which its rules may name like keywords.
 * Most are keywords; these stand for an element of one maker or another, or for another element.
 */
const ownNames: Readonly<Record<string, number>> = {
  AcquisitionLength: 0x0051100a,
  ActiveCoils: 0x0051100f,
  PulseSequenceName: 0x0019109c,
  Private0019_105a: 0x0019105a,
  Private0019_10BB: 0x001910bb,
  Private0043_1039: 0x00431039,
  SequenceType: 0x20011020,
  SliceSpacing: 0x00180088,
  Slices: 0x0021104f,
}

const keywords =
  `Modality Manufacturer ManufacturerModelName AcquisitionMatrix StudyInstanceUID SeriesInstanceUID
  SOPClassUID StudyDate StudyTime SeriesTime PatientID PatientName PatientSex InstitutionName StationName
  AccessionNumber OperatorsName StudyID StudyDescription SeriesDescription SeriesNumber InstanceNumber SequenceName
  ScanningSequence SequenceVariant ScanOptions EchoTime RepetitionTime SliceThickness SliceLocation
  ImagesInAcquisition NumberOfTemporalPositions ImageType`.split(/\s+/)

let fields: ReadonlyMap<string, number> | undefined

/** Tag by field name. `OSLevel` is made of its value by `osLevelOf`; all others are what the element says. */
export function seriesFields(): ReadonlyMap<string, number> {
  fields ??= new Map([
    ...keywords.map((name) => [name, tagOf(name) ?? 0] as const),
    ...Object.entries(ownNames),
    ['OSLevel', 0x00181020],
  ])
  return fields
}

/** `release:<level>` of GE, or the `N4_<level>` baseline of Siemens, in Software Versions (0018,1020). */
export function osLevelOf(softwareVersions: string): string | undefined {
  return (
    /release:([^\s,;'"\]]+)/.exec(softwareVersions)?.[1] ??
    /N4_([\w.]+)/.exec(softwareVersions)?.[1]
  )
}
