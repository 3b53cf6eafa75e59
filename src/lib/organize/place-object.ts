import { isRecordedAttribute, type DicomFile } from '../dicom/index.ts'
import { namesOf, type LayoutNames, type LayoutValues } from '../layout/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { LayoutView } from './layout-view.ts'

type Attributes = Readonly<Record<string, unknown>>

/** Where an object belongs in a view, before collisions. */
export interface Placement {
  readonly view: LayoutView
  readonly names: LayoutNames
}

/** Longer values are no names. Bytes, of up to four for a character. */
const longestValue = 4096

/** @param attributes of the record, or what would stand there */
export function placementsOf(
  views: readonly LayoutView[],
  instance: InstanceRecord,
  attributes: Attributes,
  file: DicomFile,
): Placement[] {
  const values = valuesOf(instance, attributes, file)
  return views
    .filter(
      ({ layout: { modality } }) => modality === undefined || modality === attributes['Modality'],
    )
    .map((view) => ({ view, names: namesOf(view.layout, values) }))
}

const uids = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'] as const

/** What a record tells counts as it stands there; all else the header says. */
function valuesOf(instance: InstanceRecord, attributes: Attributes, file: DicomFile): LayoutValues {
  return ({ name, tag }) => {
    const uid = uids.find((each) => each === name)
    if (uid !== undefined) return instance[uid]
    if (tag === undefined) {
      const { callingAET, calledAET } = instance.source ?? {}
      return name === 'callingAET' ? callingAET : calledAET
    }
    if (isRecordedAttribute(name) || Object.hasOwn(attributes, name))
      return textOf(attributes[name])
    const element = file.dataSet.get(tag)
    if (element === undefined || element.length > longestValue || element.items !== undefined) {
      return undefined
    }
    return file.strings(file.dataSet, tag).join('\\')
  }
}

/** Of a study, of which no header is at hand. */
export function studyNames(
  view: LayoutView,
  StudyInstanceUID: string,
  attributes: Attributes,
): readonly string[] {
  return namesOf(view.layout, ({ name }) =>
    name === 'StudyInstanceUID' ? StudyInstanceUID : textOf(attributes[name]),
  ).directories
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
