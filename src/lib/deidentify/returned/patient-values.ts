import { DicomFile, vrOf } from '../../dicom/index.ts'
import { FionaError } from '../../error/index.ts'
import { isPersonal } from '../search/identity-kinds.ts'

const patientGroup = 0x0010

/** A value, with the number of its attribute. */
export type PatientValue = readonly [tag: number, value: string]

/** What the Patient Module says of who somebody is (PS3.3 C.7.1.1), and its attributes wherever else they stand. */
export function* patientValues(file: DicomFile, dataSet = file.dataSet): Generator<PatientValue> {
  for (const element of dataSet.elements) {
    const { tag, items = [] } = element
    for (const item of items) yield* patientValues(file, item)
    if (tag >>> 16 !== patientGroup || element.items !== undefined) continue
    const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
    if (!isPersonal(tag, vr)) continue
    const value = file.strings(dataSet, tag).join('\\').trim()
    if (value.replace(/[\^=\\\s]+/g, '') !== '') yield [tag, value]
  }
}

/** What was sent of a study says of its patient: what may come back. */
export function sentValues(objects: readonly { readonly path: string }[]): ReadonlySet<string> {
  return new Set(objects.flatMap(({ path }) => valuesIn(path)))
}

function valuesIn(path: string): string[] {
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    return [...patientValues(file)].map(keyOf)
  } catch (error) {
    // It was sent away and may be gone: then less may come back.
    if (!(error instanceof FionaError)) throw error
    return []
  }
}

export function keyOf([tag, value]: PatientValue): string {
  return `${String(tag)} ${value}`
}
