/**
 * Types of attributes at the top of an object (PS3.3 Annexes A and C, 2024e), of those attributes only whose action in
 * Table E.1-1 depends on the type. Of several modules of an IOD the strictest counts, optional ones too: an attribute that is
 * there may be of them. SOP classes are written without `1.2.840.10008.5.1.4.1.1.`.
 */

/** Waveform Identification. */
const waveforms = `9.1.1 9.1.2 9.1.3 9.1.4 9.2.1 9.3.1 9.4.1 9.4.2 9.5.1 9.6.1 9.6.2 9.7.1 9.7.2 9.7.3 9.7.4 9.8.1`

/** SR Document General or Key Object Document. */
const reports = `78.6 79.1 88.11 88.22 88.33 88.34 88.35 88.40 88.50 88.59 88.65 88.67 88.68 88.69 88.70 88.71 88.72
88.73 88.74 88.75 88.76`

const radiotherapy = '481.1 481.2 481.3 481.4 481.5 481.6 481.7 481.8 481.9'
const treatmentRecords = '481.4 481.6 481.7 481.9'
const encapsulated = '104.1 104.2 104.3 104.4 104.5'
const wholeSlides = '77.1.6'
const positronEmission = '128'

/** Visible light: of VL Image. */
const visibleLight = '77.1.1 77.1.1.1 77.1.2 77.1.2.1 77.1.3 77.1.4 77.1.4.1 77.1.7'

/** Multi-frame Functional Groups; in multi-frame secondary captures it is optional. */
const functionalGroups = `2.1 2.2 4.1 4.2 4.3 4.4 6.2 7.2 7.3 7.4 12.1.1 12.2.1 13.1.1 13.1.2 13.1.3 13.1.4 13.1.5 14.1
14.2 30 66.4 77.1.5.4 77.1.5.8 ${wholeSlides} 128.1 130`

/** Others that say when their content was made: raw data, registrations, measurements of eyes … */
const datedContents = `66 66.1 66.2 66.3 66.5 66.6 67 77.1.5.1 77.1.5.2 77.1.5.7 78.1 78.2 78.3 78.4 78.5 78.7 78.8 91.1`

/** Enhanced General Equipment. */
const enhancedEquipment = `2.1 2.2 4.1 4.2 4.3 4.4 6.2 9.1.4 9.4.2 9.5.1 9.6.1 9.6.2 9.7.1 9.7.2 9.7.3 9.7.4 9.8.1 11.8
12.1.1 12.2.1 13.1.1 13.1.2 13.1.3 13.1.4 13.1.5 14.1 14.2 30 66.3 66.4 66.5 66.6 77.1.5.4 77.1.5.7 77.1.5.8
${wholeSlides} 77.1.7 78.1 78.2 78.3 78.4 78.5 78.6 78.7 78.8 79.1 80.1 88.35 88.67 88.68 88.69 88.70 88.71 88.72 88.73
88.74 88.75 88.76 91.1 104.3 104.4 104.5 128.1 130 131`

/** Series that name the performed procedure step where there was one: Enhanced Series, DX Series and their like. */
const seriesOfSteps = `1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 2.1 2.2 4.1 4.2 4.3 4.4 6.2 12.1.1 12.2.1 13.1.1 13.1.2 13.1.3 13.1.4
13.1.5 14.1 14.2 30 66.4 66.5 66.6 77.1.5.4 77.1.5.7 77.1.5.8 ${wholeSlides} 78.1 78.2 78.3 78.4 78.5 78.7 78.8 80.1 91.1
128.1 130`

/** Acquisition Context. */
const acquisitionContext = `1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 2.1 2.2 4.1 4.2 4.3 4.4 6.2 ${waveforms} 12.1.1 12.2.1 13.1.1 13.1.2
13.1.3 13.1.4 13.1.5 14.1 14.2 20 30 66 ${visibleLight} 77.1.5.1 77.1.5.2 77.1.5.4 ${wholeSlides} 128 128.1 130`

/**
 * The SOP classes whose IODs are described here. Of all others the type of an attribute is not known: second generation
 * radiotherapy, protocols, volumetric presentation states, some of ophthalmology, whatever comes.
 */
export const describedClasses = `1 1.1 1.1.1 1.2 1.2.1 1.3 1.3.1 2 2.1 2.2 3.1 4 4.1 4.2 4.3 4.4 6.1 6.2 7 7.1 7.2 7.3 7.4
${waveforms} 11.1 11.2 11.3 11.4 11.8 12.1 12.1.1 12.2 12.2.1 13.1.1 13.1.2 13.1.3 13.1.4 13.1.5 14.1 14.2 20 30
66 66.1 66.2 66.3 66.4 66.5 66.6 67 ${visibleLight} 77.1.5.1 77.1.5.2 77.1.5.3 77.1.5.4 77.1.5.7 77.1.5.8 ${wholeSlides}
78.1 78.2 78.3 78.4 78.5 78.7 78.8 80.1 ${reports} 91.1 ${encapsulated} ${positronEmission} 128.1 130 131
${radiotherapy}`

/** SOP classes in which an attribute is of type 1 or 1C, and those in which it is of type 2 or 2C; `any` for all. */
export interface TypesOfAttribute {
  readonly tag: number
  readonly required?: string
  readonly mayBeEmpty?: string
}

/** In described classes that an attribute does not name it is of type 3, or not of the IOD. */
export const attributeTypes: readonly TypesOfAttribute[] = [
  { tag: 0x00080012 }, // InstanceCreationDate
  { tag: 0x00080013 }, // InstanceCreationTime
  { tag: 0x00080021, required: positronEmission }, // SeriesDate
  { tag: 0x00080031, required: positronEmission }, // SeriesTime
  { tag: 0x00080022, mayBeEmpty: positronEmission }, // AcquisitionDate
  { tag: 0x00080032, mayBeEmpty: positronEmission }, // AcquisitionTime
  {
    tag: 0x0008002a, // AcquisitionDateTime
    required: `2.1 2.2 3.1 4.1 4.2 4.3 4.4 6.1 6.2 ${waveforms} 12.1.1 12.2.1 13.1.4 13.1.5 14.1 14.2 77.1.5.1 77.1.5.2
    77.1.5.4 ${wholeSlides} 128.1 130`,
    mayBeEmpty: encapsulated,
  },
  // ContentDate: elsewhere 2, 2C or 3, for all of which it may be empty.
  { tag: 0x00080023, required: `${functionalGroups} ${waveforms} ${reports} ${datedContents}` },
  // ContentTime
  {
    tag: 0x00080033,
    required: `${functionalGroups} ${waveforms} ${reports} ${datedContents} ${visibleLight}`,
  },
  { tag: 0x00080080 }, // InstitutionName
  { tag: 0x00080082 }, // InstitutionCodeSequence
  { tag: 0x00081010 }, // StationName
  { tag: 0x00081070, mayBeEmpty: radiotherapy }, // OperatorsName
  { tag: 0x00081072 }, // OperatorIdentificationSequence
  { tag: 0x00081110 }, // ReferencedStudySequence
  { tag: 0x00081111, required: seriesOfSteps, mayBeEmpty: reports }, // ReferencedPerformedProcedureStepSequence
  { tag: 0x00102203, mayBeEmpty: 'any' }, // PatientSexNeutered: of animals
  { tag: 0x00180010, mayBeEmpty: 'any' }, // ContrastBolusAgent
  { tag: 0x00181000, required: enhancedEquipment }, // DeviceSerialNumber
  { tag: 0x00181030 }, // ProtocolName
  { tag: 0x00181400 }, // AcquisitionDeviceProcessingDescription
  { tag: 0x0018700a }, // DetectorID
  { tag: 0x0018700c }, // DateOfLastDetectorCalibration
  { tag: 0x0018700e }, // TimeOfLastDetectorCalibration
  { tag: 0x00189516 }, // StartAcquisitionDateTime
  { tag: 0x00189517 }, // EndAcquisitionDateTime
  { tag: 0x00189919 }, // InstructionPerformedDateTime
  { tag: 0x00321060 }, // RequestedProcedureDescription
  { tag: 0x0040a032, required: reports }, // ObservationDateTime
  { tag: 0x00400555, mayBeEmpty: acquisitionContext }, // AcquisitionContextSequence
  { tag: 0x00700084, mayBeEmpty: 'any' }, // ContentCreatorName
  { tag: 0x22000002, mayBeEmpty: wholeSlides }, // LabelText
  { tag: 0x22000005, mayBeEmpty: wholeSlides }, // BarcodeValue
  { tag: 0x30080054, mayBeEmpty: treatmentRecords }, // FirstTreatmentDate
  { tag: 0x30080056, mayBeEmpty: treatmentRecords }, // MostRecentTreatmentDate
  { tag: 0x30080105 }, // SourceSerialNumber
  { tag: 0x30080250, mayBeEmpty: treatmentRecords }, // TreatmentDate
  { tag: 0x30080251, mayBeEmpty: treatmentRecords }, // TreatmentTime
  { tag: 0x300a0006, mayBeEmpty: '481.5 481.8' }, // RTPlanDate
  { tag: 0x300a0007, mayBeEmpty: '481.5 481.8' }, // RTPlanTime
  { tag: 0x300a00b2 }, // TreatmentMachineName
  { tag: 0x300e0008, mayBeEmpty: '481.1 481.3 481.5 481.8' }, // ReviewerName
  { tag: 0x3010004c }, // IntendedPhaseStartDate
  { tag: 0x3010004d }, // IntendedPhaseEndDate
  { tag: 0x30100056 }, // RTTreatmentApproachLabel
  { tag: 0x30100077 }, // TreatmentSite
]
