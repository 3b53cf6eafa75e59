import { viewName } from './view-name.ts'

/** The directories below `participants/` that an object belongs in, before collisions. */
export interface ViewNames {
  readonly patient: string
  readonly study: string
  readonly series: string
}

/** As the original wrote it where a value was missing. */
const unknown = 'unknown'
const missing = 'missing'

/** From the attributes of a record. The parts are escaped: whatever the values hold, they are one name each. */
export function viewNames(attributes: Readonly<Record<string, unknown>>): ViewNames {
  const text = (keyword: string, fallback: string): string => {
    const value = attributes[keyword]
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : fallback
  }
  return {
    patient: viewName(text('PatientID', unknown)),
    study: viewName(`${text('StudyDate', unknown)}_${text('StudyTime', unknown)}`),
    series: viewName(`${text('SeriesNumber', unknown)}_${text('SeriesDescription', missing)}`),
  }
}
