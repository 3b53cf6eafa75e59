import { closeSync, constants, lutimesSync, openSync } from 'node:fs'
import type { FilterLogic } from '../cli/index.ts'
import { isRecordOf, type AnyRecord, type InstanceRecord } from '../record/index.ts'
import { inside } from '../storage/index.ts'

/** Old scripts look at seconds: a file that was touched this recently is not touched again. */
const freshMs = 1000
const mostRemembered = 10_000

/**
 * The files by whose age scripts for the original FIONA tell that a study or series is complete. One for each study,
 * `<calling> <called> <address> scp_<StudyInstanceUID>`, and one for each series, `<calling> <called> <address>
 * <StudyInstanceUID> <SeriesInstanceUID>`; both are touched by each object. Who has done with one removes it.
 */
export class TouchFiles {
  readonly #directory: string
  readonly #now: () => number
  readonly #touched = new Map<string, number>()

  /** @param now monotonic, ms */
  constructor(directory: string, now: () => number) {
    this.#directory = directory
    this.#now = now
  }

  /** @throws the error of the operating system; FionaError E_PATH_ESCAPE */
  touch({ StudyInstanceUID, SeriesInstanceUID, source = {} }: InstanceRecord): void {
    const { callingAET, calledAET, address } = source
    const sender = [callingAET, calledAET, address].map(fieldOf).join(' ')
    this.#touch(`${sender} scp_${fieldOf(StudyInstanceUID)}`)
    this.#touch(`${sender} ${fieldOf(StudyInstanceUID)} ${fieldOf(SeriesInstanceUID)}`)
  }

  #touch(name: string): void {
    const now = this.#now()
    if (now - (this.#touched.get(name) ?? -Infinity) < freshMs) return
    const path = inside(this.#directory, name)
    const seconds = Date.now() / 1000
    try {
      // Of a link planted there the link itself: nothing behind it is changed.
      lutimesSync(path, seconds, seconds)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      const { O_CREAT, O_WRONLY, O_NOFOLLOW } = constants
      closeSync(openSync(path, O_CREAT | O_WRONLY | O_NOFOLLOW, 0o664))
    }
    if (this.#touched.size >= mostRemembered) this.#touched.clear()
    this.#touched.set(name, now)
  }
}

/** The same filter, with a touch for each object. What cannot be touched is told to `onTrouble`: the object counts all the same. */
export function touching(
  logic: FilterLogic,
  files: TouchFiles,
  onTrouble: (error: unknown) => void,
): FilterLogic {
  return {
    handles: logic.handles,
    ...(logic.timer === undefined ? {} : { timer: logic.timer }),
    record(record: AnyRecord) {
      const result = logic.record(record)
      try {
        if (isRecordOf(record, 'instance')) files.touch(record)
      } catch (error) {
        onTrouble(error)
      }
      return result
    },
    mark: (mark) => logic.mark?.(mark),
    end: () => logic.end?.(),
  }
}

/** What the original strips from AE titles, and whatever else would end a field or mean something in a path. */
function fieldOf(text: string | undefined): string {
  const field = (text ?? '').replace(/[\s"'\\/\x00-\x1f\x7f]/g, '')
  return field === '' ? 'unknown' : field
}
