import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Profile, loadProfile } from '../../src/lib/deidentify/index.ts'
import type { ProfileChoice } from '../../src/lib/deidentify/profile/load-profile.ts'
import { DicomFile, type DataSet } from '../../src/lib/dicom/index.ts'
import { deidentify, newSite, type Outcome } from './deidentified.ts'

/** A profile of this text, read as a file. */
export async function profileOf(text: string, choice: ProfileChoice = {}): Promise<Profile> {
  const path = join(newSite().root, 'profile.yaml')
  writeFileSync(path, text)
  return loadProfile(path, choice)
}

/** What becomes of objects by a profile of this text. */
export async function deidentifyBy(
  text: string,
  objects: readonly Buffer[],
  more: Parameters<typeof deidentify>[1] = {},
  record: Record<string, unknown> = {},
): Promise<Outcome> {
  const profile = await profileOf(text)
  return deidentify(objects, { profileOf: () => profile, ...more }, record)
}

/** The first output, opened. */
export function firstOf({ files, record }: Outcome): DicomFile {
  const [path] = files
  if (path === undefined) throw new Error(`no output: ${JSON.stringify(record)}`)
  return DicomFile.open(path)
}

/** All values of an attribute at the top; undefined when it is not there. */
export function valueIn(
  file: DicomFile,
  tag: number,
  dataSet: DataSet = file.dataSet,
): string | undefined {
  if (dataSet.get(tag) === undefined) return undefined
  return file.strings(dataSet, tag).join('\\')
}
