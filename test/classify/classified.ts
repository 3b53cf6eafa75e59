import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Classifier, type ClassifierOptions, RuleSet } from '../../src/lib/classify/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { CT_IMAGE_STORAGE, type CtImageOptions, ctImage, syntax } from '../fixtures/dicom-writer.ts'

export const study = '2.25.1001'
export const seriesOf = (number: number) => `${study}.${String(number)}`

/** A directory of its own for a test's files. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'fiona-classify-'))
}

/** Writes an object and returns the record that a receiver would make of it. */
export function store(directory: string, options: CtImageOptions & { series?: number }): AnyRecord {
  const { series = 1, instanceNumber = 1, ...rest } = options
  const SeriesInstanceUID = seriesOf(series)
  const SOPInstanceUID = options.sopUID ?? `${SeriesInstanceUID}.${String(instanceNumber)}`
  const path = join(directory, `${SOPInstanceUID}.dcm`)
  const image = { seriesUID: SeriesInstanceUID, sopUID: SOPInstanceUID, instanceNumber, ...rest }
  const bytes = ctImage(image)
  writeFileSync(path, bytes)
  return {
    type: 'instance',
    path,
    size: bytes.length,
    SOPClassUID: CT_IMAGE_STORAGE,
    SOPInstanceUID,
    SeriesInstanceUID,
    StudyInstanceUID: study,
    TransferSyntaxUID: options.transferSyntax ?? syntax.explicit,
  }
}

/** What fiona-arrive says of every complete series and study, and classification does not look at. */
export const completed = { bytes: 1000, reason: 'flush', revision: 1 }

export function classifier(
  rules: unknown,
  semantics: 'strict' | 'compat' = 'strict',
  options: ClassifierOptions = {},
): Classifier {
  return new Classifier(RuleSet.parse(JSON.stringify(rules), semantics), options)
}

/** The types of a record after classification. */
export async function typesOf(classifier: Classifier, record: AnyRecord): Promise<string[]> {
  const classified = await classifier.classify(record)
  return classified['ClassifyType'] as string[]
}
