import { type OwnerLevel, type Piece, fieldsOf } from './layout.ts'

/**
 * Which directories belong to one study or one series, by the fields in their names: where a layout tells studies
 * apart, two of one patient at one time do not share a directory, and neither do two series of one number and
 * description where it tells those apart. The study has the last directory that names it or its patient,
 * the series the last that names any of the three. A layout that names no study (`flat/{PatientID}/…`) means to
 * have them together.
 */
export function ownersOf(directories: readonly (readonly Piece[])[]): (OwnerLevel | undefined)[] {
  const fields = directories.map((pieces) => fieldsOf(pieces))
  const lastOf = (...wanted: readonly (string | undefined)[]): number =>
    fields.findLastIndex((all) => all.some(({ level }) => wanted.includes(level)))
  const has = (name: string): boolean => fields.flat().some((field) => field.name === name)
  const firstSeries = fields.findIndex((all) => all.some(({ level }) => level === 'series'))
  const study = lastOf('study') === -1 ? -1 : lastOf('patient', 'study')
  const series = firstSeries === -1 ? -1 : lastOf('patient', 'study', 'series')
  return directories.map((_, at) => {
    // A UID in the name is nobody else's.
    if (at === series) return has('SeriesInstanceUID') ? undefined : 'series'
    const isStudys = at === study && (firstSeries === -1 || study < firstSeries)
    return isStudys && !has('StudyInstanceUID') ? 'study' : undefined
  })
}
