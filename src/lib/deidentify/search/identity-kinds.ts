/** What an attribute tells of the patient, the staff or the place, for the search afterwards. */
export type IdentityKind = 'name' | 'identifier' | 'date' | 'address' | 'phone' | 'place'

const kinds: Readonly<Record<IdentityKind, readonly number[]>> = {
  // Names that are not PN; every PN counts as a name without being listed.
  name: [],
  identifier: [
    0x00080050, // AccessionNumber
    0x00100020, // PatientID
    0x00100033, // PatientBirthDateInAlternativeCalendar
    0x00100034, // PatientDeathDateInAlternativeCalendar
    0x00101000, // OtherPatientIDs
    0x00101050, // InsurancePlanIdentification
    0x00101090, // MedicalRecordLocator
    0x00120042, // ClinicalTrialSubjectReadingID
    0x00200010, // StudyID
    0x00380010, // AdmissionID
    0x00380060, // ServiceEpisodeID
    0x00400009, // ScheduledProcedureStepID
    0x00400253, // PerformedProcedureStepID
    0x00401001, // RequestedProcedureID
    0x00402016, // PlacerOrderNumberImagingServiceRequest
    0x00402017, // FillerOrderNumberImagingServiceRequest
    0x00402006, // the same, retired
    0x00402007,
    0x00401006, // PlacerOrderNumberProcedure, retired
    0x00401007, // FillerOrderNumberProcedure, retired
    0x0040050a, // SpecimenAccessionNumber
    0x00400512, // ContainerIdentifier
    0x00400551, // SpecimenIdentifier
  ],
  date: [
    0x00100030, // PatientBirthDate
    0x00080020, // StudyDate
    0x00080021, // SeriesDate
    0x00080022, // AcquisitionDate
    0x00080023, // ContentDate
    0x00380020, // AdmittingDate
    0x001021d0, // LastMenstrualDate
  ],
  address: [
    0x00101040, // PatientAddress
    0x00080092, // ReferringPhysicianAddress
    0x00401102, // PersonAddress
    0x00102299, // ResponsibleOrganization
    0x00380400, // PatientInstitutionResidence
  ],
  phone: [
    0x00102154, // PatientTelephoneNumbers
    0x00102155, // PatientTelecomInformation
    0x00080094, // ReferringPhysicianTelephoneNumbers
    0x00401103, // PersonTelephoneNumbers
    0x00402010, // OrderCallbackPhoneNumber
  ],
  // What Retain Institution Identity keeps, and where it is kept is not searched for.
  place: [
    0x00080080, // InstitutionName
    0x00080081, // InstitutionAddress
    0x00081040, // InstitutionalDepartmentName
  ],
}

const byTag = new Map<number, IdentityKind>(
  Object.entries(kinds).flatMap(([kind, tags]) => tags.map((tag) => [tag, kind as IdentityKind])),
)

export function identityKindOf(tag: number, vr: string): IdentityKind | undefined {
  return byTag.get(tag) ?? (vr === 'PN' ? 'name' : undefined)
}

const PatientBirthDate = 0x00100030

/** They number studies, steps and specimens, from one on: short ones are nobody's. */
const countedThings = new Set([
  0x00200010, // StudyID
  0x00400009, // ScheduledProcedureStepID
  0x00400253, // PerformedProcedureStepID
  0x00401001, // RequestedProcedureID
  0x00400512, // ContainerIdentifier
  0x00400551, // SpecimenIdentifier
])

/** Whether it is there to say who somebody is: even one character that is left in it is a find. */
export function saysWho(tag: number, vr: string): boolean {
  return isPersonal(tag, vr) && !countedThings.has(tag)
}

/** Whether it says who somebody is, and not where or when: no rule can make that harmless. */
export function isPersonal(tag: number, vr: string): boolean {
  const kind = identityKindOf(tag, vr)
  return tag === PatientBirthDate || !(kind === undefined || kind === 'place' || kind === 'date')
}
