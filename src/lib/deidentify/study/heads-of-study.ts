import { existsSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FionaError } from '../../error/index.ts'
import { fileDigest } from '../../storage/index.ts'
import type { ObjectUids } from '../deidentify-object.ts'
import { defaceSeries } from '../faces/index.ts'
import type { FaceFinding } from '../faces/look-for-faces.ts'
import type { Reasons } from '../reasons.ts'
import type { StagedStudy } from './outbox.ts'
import type { StudyTask } from './study-task.ts'

/** An object of the study as it is made, where it lies, and whether it is in the staged part. */
interface MadeObject {
  readonly SeriesInstanceUID: string
  readonly path: string
  readonly bytes: number
  readonly isNew: boolean
}

/** Which series of a study a defacing command is for: those in which any object shows a head, whole. */
export class HeadsOfStudy {
  readonly #task: StudyTask
  readonly #staged: StagedStudy
  /** New SOP Instance UIDs of the reconstructions of each series. */
  readonly #series = new Map<string, Set<string>>()
  readonly #heads = new Set<string>()

  constructor(task: StudyTask, staged: StagedStudy) {
    this.#task = task
    this.#staged = staged
  }

  /** @returns whether the command may get it: only when all of its series is known that is certain */
  note(
    { SeriesInstanceUID, SOPInstanceUID }: Pick<ObjectUids, 'SeriesInstanceUID' | 'SOPInstanceUID'>,
    { isReconstruction, showsHead }: FaceFinding,
  ): boolean {
    if (this.#task.profile.faces.command === undefined || !isReconstruction) return false
    const series = this.#series.get(SeriesInstanceUID) ?? new Set()
    this.#series.set(SeriesInstanceUID, series.add(SOPInstanceUID))
    if (showsHead) this.#heads.add(SeriesInstanceUID)
    return true
  }

  /** Made again, although an earlier revision has it. */
  isAgain(path: string, final: string): boolean {
    const [series, name] = [basename(dirname(path)), basename(path)]
    const isNoted = this.#series.get(series)?.has(basename(name, '.dcm')) ?? false
    return isNoted && existsSync(join(final, series, name))
  }

  /**
   * Series after series; what is wrong with one is added to `reasons`, and its objects are as they were.
   * @param isQuotable nothing known of the patient is in the objects
   * @returns the objects that are defaced
   */
  async *deface(
    outputs: ReadonlyMap<string, MadeObject>,
    reasons: Reasons,
    isQuotable: boolean,
  ): AsyncGenerator<MadeObject & { readonly SOPInstanceUID: string }, void, undefined> {
    const { profile, durable } = this.#task
    const { command } = profile.faces
    if (command === undefined) return
    for (const SeriesInstanceUID of [...this.#heads].sort()) {
      const uids = [...(this.#series.get(SeriesInstanceUID) ?? [])]
      const objects = uids.flatMap((uid) => {
        const made = outputs.get(uid)
        return made === undefined ? [] : [[uid, made.path] as const]
      })
      const folder = this.#staged.workPath('deface')
      const options = { command, folder, isDurable: durable, isQuotable }
      let sizes: ReadonlyMap<string, number>
      try {
        sizes = await defaceSeries(new Map(objects), options)
      } catch (error) {
        if (!(error instanceof FionaError) || error.code !== 'E_DEFACE') throw error
        reasons.add('faces-not-removed', `deface: ${error.message}`, objects.length)
        continue
      }
      for (const [SOPInstanceUID, path] of objects) {
        const bytes = sizes.get(SOPInstanceUID) ?? statSync(path).size
        yield { SOPInstanceUID, SeriesInstanceUID, path, bytes, isNew: true }
      }
    }
  }

  /** What came out as an earlier revision has it is not made again. */
  async settle(outputs: Map<string, MadeObject>, final: string): Promise<void> {
    for (const [series, uids] of this.#series) {
      for (const uid of uids) {
        const made = outputs.get(uid)
        const there = join(final, series, `${uid}.dcm`)
        if (made?.isNew !== true || !existsSync(there)) continue
        if (statSync(there).size !== made.bytes) continue
        if ((await fileDigest(there)) !== (await fileDigest(made.path))) continue
        await rm(made.path)
        outputs.set(uid, { ...made, path: there, isNew: false })
      }
    }
  }
}
