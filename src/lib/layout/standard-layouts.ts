import { type Layout } from './layout.ts'
import { isLayout, readLayout } from './read-layout.ts'

/** For people, as the original FIONA had it: it wrote `unknown` and `missing` where a value was. */
export function participantsLayout(): Layout {
  return standard(
    'participants',
    '{PatientID}/{StudyDate}_{StudyTime}/{SeriesNumber}_{SeriesDescription|missing}/{SOPInstanceUID}.dcm',
  )
}

/** Where scripts that read structured reports look for them. */
export function reportsLayout(): Layout {
  return {
    ...standard('srs', '{Manufacturer|}/{StudyInstanceUID}/{SOPInstanceUID}.dcm'),
    modality: 'SR',
  }
}

/** Their folders are not for others to have. */
function standard(root: string, text: string): Layout {
  const layout = readLayout(`views/${text}`)
  if (!isLayout(layout)) throw new Error(layout.problem)
  return { ...layout, root }
}
