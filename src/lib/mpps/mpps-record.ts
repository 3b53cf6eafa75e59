import { tagOf } from '../dicom/index.ts'
import type { MppsRecord } from '../record/index.ts'
import { Attribute } from './attributes.ts'
import { type JsonDataSet, itemsOf, keyOf, textOf, textsOf } from './json-data-set.ts'
import { referencesOf, statusOf } from './step-rules.ts'
import type { Step } from './step.ts'

/** What people and fiona-arrive need of a step, by keyword. */
const ofStep = [
  'PatientID',
  'PatientName',
  'PatientBirthDate',
  'PatientSex',
  'StudyID',
  'Modality',
  'PerformedStationAETitle',
  'PerformedStationName',
  'PerformedProcedureStepID',
  'PerformedProcedureStepDescription',
  'PerformedProcedureTypeDescription',
  'PerformedProcedureStepStartDate',
  'PerformedProcedureStepStartTime',
  'PerformedProcedureStepEndDate',
  'PerformedProcedureStepEndTime',
] as const
/** The same, of what was scheduled. */
const ofSchedule = [
  'AccessionNumber',
  'RequestedProcedureID',
  'RequestedProcedureDescription',
  'ScheduledProcedureStepID',
  'ScheduledProcedureStepDescription',
] as const
const ofSeries = ['ProtocolName', 'SeriesDescription', 'RetrieveAETitle'] as const

/** A longer value tells nobody anything, and the record that carries it is one line. */
const longestValue = 1024

/** The whole step as it now is, so that whoever reads one record need not have seen the others. */
export function recordOf(step: Step): MppsRecord {
  const { MPPSInstanceUID, dataSet, changed, source } = step
  const scheduled = itemsOf(dataSet, Attribute.ScheduledStepAttributesSequence)
  const studies = [
    ...new Set(scheduled.flatMap((item) => textOf(item, Attribute.StudyInstanceUID) ?? [])),
  ]
  const [StudyInstanceUID] = studies
  return {
    type: 'mpps',
    v: 1,
    time: changed,
    MPPSInstanceUID,
    status: statusOf(dataSet),
    ...(StudyInstanceUID === undefined ? {} : { StudyInstanceUID }),
    // One step may answer several requests at once (the group case).
    ...(studies.length > 1 ? { studies } : {}),
    series: performedSeries(dataSet),
    source: { ...source },
    attributes: {
      ...attributesOf(dataSet, ofStep),
      ...attributesOf(scheduled[0] ?? {}, ofSchedule),
      ...discontinuation(dataSet),
    },
  }
}

type PerformedSeries = NonNullable<MppsRecord['series']>[number]

/** Each series once, each of its objects once, in the order of the step. Nameless items are left out. */
function performedSeries(dataSet: JsonDataSet): PerformedSeries[] {
  const found = new Map<string, { readonly of: JsonDataSet; readonly instances: Set<string> }>()
  for (const item of itemsOf(dataSet, Attribute.PerformedSeriesSequence)) {
    const SeriesInstanceUID = textOf(item, Attribute.SeriesInstanceUID)
    if (SeriesInstanceUID === undefined) continue
    const series = found.get(SeriesInstanceUID) ?? { of: item, instances: new Set() }
    found.set(SeriesInstanceUID, series)
    for (const reference of referencesOf(item)) {
      const SOPInstanceUID = textOf(reference, Attribute.ReferencedSOPInstanceUID)
      if (SOPInstanceUID !== undefined) series.instances.add(SOPInstanceUID)
    }
  }
  return Array.from(found, ([SeriesInstanceUID, { of, instances }]) => ({
    SeriesInstanceUID,
    instances: [...instances],
    ...attributesOf(of, ofSeries),
  }))
}

function attributesOf(dataSet: JsonDataSet, keywords: readonly string[]): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const keyword of keywords) {
    const value = textsOf(dataSet, keyOf(tagOf(keyword) ?? 0)).join('\\')
    if (value !== '') attributes[keyword] = value.slice(0, longestValue)
  }
  return attributes
}

/** Why a step was discontinued, in the words of its code (PS3.16 CID 9300). */
function discontinuation(dataSet: JsonDataSet): Record<string, string> {
  const keyword = 'PerformedProcedureStepDiscontinuationReasonCodeSequence'
  const reason = attributesOf(itemsOf(dataSet, Attribute[keyword])[0] ?? {}, ['CodeMeaning'])
  return reason['CodeMeaning'] === undefined ? {} : { [keyword]: reason['CodeMeaning'] }
}
