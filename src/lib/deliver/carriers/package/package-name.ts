import { safeComponent } from '../../../storage/index.ts'

/** What a package is of; nothing of the clinic. */
export interface Packaged {
  readonly participant: string
  readonly event?: string | undefined
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
}

/** `<participant>[_<event>]_<StudyInstanceUID>_<SeriesInstanceUID>`, as the original's outbox has it. */
export function packageName(packaged: Packaged): string {
  const { participant, event, StudyInstanceUID, SeriesInstanceUID } = packaged
  // UIDs whole: the name of one series must not be that of another.
  const who = safeComponent(event === undefined ? participant : `${participant}_${event}`)
  return `${who.slice(0, mostOfWho)}_${StudyInstanceUID}_${SeriesInstanceUID}`
}

/** File systems allow 255 bytes; two UIDs may have 64 each, and a part file has a suffix. */
const mostOfWho = 100
