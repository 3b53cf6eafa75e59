import type { InstanceRecord, StudyRecord } from '../../record/index.ts'

interface LooseSeries {
  readonly files: Set<string>
  ClassifyType: string[]
}

/** Instances whose study nothing has spoken of yet. Each costs its path in memory until something does. */
export class LooseInstances {
  readonly #studies = new Map<
    string,
    { project: string | undefined; series: Map<string, LooseSeries> }
  >()

  add(instance: InstanceRecord): void {
    const { StudyInstanceUID, SeriesInstanceUID, path, ClassifyType } = instance
    let study = this.#studies.get(StudyInstanceUID)
    if (study === undefined) {
      study = { project: instance.project, series: new Map() }
      this.#studies.set(StudyInstanceUID, study)
    }
    let series = study.series.get(SeriesInstanceUID)
    if (series === undefined) {
      series = { files: new Set(), ClassifyType: [] }
      study.series.set(SeriesInstanceUID, series)
    }
    series.files.add(path)
    series.ClassifyType = [...new Set([...series.ClassifyType, ...(ClassifyType ?? [])])]
  }

  forget(StudyInstanceUID: string): void {
    this.#studies.delete(StudyInstanceUID)
  }

  /** As if their arrival had been noticed. */
  *studies(): Generator<StudyRecord, void, undefined> {
    for (const [StudyInstanceUID, { project, series }] of this.#studies) {
      const all = [...series].map(([SeriesInstanceUID, { files, ClassifyType }]) => ({
        SeriesInstanceUID,
        instances: files.size,
        files: [...files],
        ClassifyType,
      }))
      yield {
        type: 'study',
        v: 1,
        ...(project === undefined ? {} : { project }),
        StudyInstanceUID,
        path: null,
        series: all,
        instances: all.reduce((sum, { instances }) => sum + instances, 0),
        bytes: 0,
        reason: 'flush',
        revision: 1,
      }
    }
  }
}
