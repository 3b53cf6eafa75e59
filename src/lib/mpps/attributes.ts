/** Attributes of a performed procedure step (PS3.4 table F.7.2-1, PS3.3 C.4.13 to C.4.15), by tag. */
export const Attribute = {
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  Modality: '00080060',
  ReferencedImageSequence: '00081140',
  ReferencedSOPInstanceUID: '00081155',
  StudyInstanceUID: '0020000D',
  SeriesInstanceUID: '0020000E',
  ReferencedNonImageCompositeSOPInstanceSequence: '00400220',
  PerformedStationAETitle: '00400241',
  PerformedProcedureStepStartDate: '00400244',
  PerformedProcedureStepStartTime: '00400245',
  PerformedProcedureStepStatus: '00400252',
  PerformedProcedureStepID: '00400253',
  ScheduledStepAttributesSequence: '00400270',
  PerformedProcedureStepDiscontinuationReasonCodeSequence: '00400281',
  PerformedSeriesSequence: '00400340',
} as const
export type AttributeName = keyof typeof Attribute

/** Type 1 in N-CREATE. Everything of type 2 may be missing here: nothing of ours depends on it. */
export const requiredInCreate: readonly AttributeName[] = [
  'ScheduledStepAttributesSequence',
  'PerformedProcedureStepID',
  'PerformedStationAETitle',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepStatus',
  'Modality',
]

/** What N-SET may not change: whose step it is, what it was scheduled for, where and when it began. */
export const fixedByCreate: Readonly<Record<string, string>> = {
  '00080060': 'Modality',
  '00081120': 'ReferencedPatientSequence',
  '00100010': 'PatientName',
  '00100020': 'PatientID',
  '00100021': 'IssuerOfPatientID',
  '00100024': 'IssuerOfPatientIDQualifiersSequence',
  '00100030': 'PatientBirthDate',
  '00100040': 'PatientSex',
  '00200010': 'StudyID',
  '00380010': 'AdmissionID',
  '00380014': 'IssuerOfAdmissionIDSequence',
  '00380060': 'ServiceEpisodeID',
  '00380062': 'ServiceEpisodeDescription',
  '00380064': 'IssuerOfServiceEpisodeIDSequence',
  '00400241': 'PerformedStationAETitle',
  '00400242': 'PerformedStationName',
  '00400243': 'PerformedLocation',
  '00400244': 'PerformedProcedureStepStartDate',
  '00400245': 'PerformedProcedureStepStartTime',
  '00400253': 'PerformedProcedureStepID',
  '00400270': 'ScheduledStepAttributesSequence',
}
