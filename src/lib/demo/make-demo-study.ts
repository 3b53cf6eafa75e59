import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TransferSyntax, encodeDataSet, encodeFileMeta } from '../dicom/index.ts'
import { newUid } from '../uid/index.ts'
import { type Attributes, elementsOf } from './attributes.ts'
import type { PlantedIdentity } from './find-identity.ts'
import { type ObjectAttributes, presentationState, report, screenShot, slice } from './objects.ts'
import { type DemoPatient, japanesePatient, koreanPatient } from './patients.ts'

export interface DemoFile {
  readonly path: string
  readonly StudyInstanceUID: string
}

export interface DemoStudy {
  readonly files: readonly DemoFile[]
  readonly identities: readonly PlantedIdentity[]
}

interface Object {
  readonly Modality: string
  readonly SeriesDescription: string
  readonly SeriesNumber: number
  readonly attributes: ObjectAttributes
}

/**
 * Two studies, in `folder`: one of CT, MR, report and presentation state, which can be
 * de-identified; one with a screen shot that says its pixels hold text, which a person must see
 * first. Their UIDs are new each time, so that the demonstration can be shown again.
 */
export async function makeDemoStudy(folder: string): Promise<DemoStudy> {
  const chest = new StudyWriter(folder, japanesePatient, 'CHEST')
  const frame = newUid()
  for (const number of [1, 2, 3, 4]) {
    await chest.add(series(2, 'CT', 'Axial 5 mm', slice('CT', frame, number)))
  }
  for (const number of [1, 2, 3]) {
    await chest.add(series(3, 'MR', 'T2 axial', slice('MR', frame, number)))
  }
  const { SeriesInstanceUID, reference } = chest.firstOf(2)
  const { name } = japanesePatient
  await chest.add(series(4, 'SR', 'Report', report(name)))
  await chest.add(series(5, 'PR', 'Notes', presentationState(SeriesInstanceUID, reference, name)))

  const heart = new StudyWriter(folder, koreanPatient, 'HEART')
  for (const number of [1, 2]) {
    await heart.add(series(2, 'MR', 'Cine short axis', slice('MR', heart.frameOfReference, number)))
  }
  await heart.add(series(99, 'OT', 'Screen save', screenShot()))
  const identities = [japanesePatient, koreanPatient].flatMap((patient) => patient.identities)
  return {
    files: [...chest.files, ...heart.files],
    identities: [...identities, ...chest.uids, ...heart.uids],
  }
}

function series(
  SeriesNumber: number,
  Modality: string,
  SeriesDescription: string,
  attributes: ObjectAttributes,
): Object {
  return { SeriesNumber, Modality, SeriesDescription, attributes }
}

class StudyWriter {
  readonly files: DemoFile[] = []
  readonly uids: PlantedIdentity[] = []
  readonly frameOfReference = newUid()
  readonly #folder: string
  readonly #patient: DemoPatient
  readonly #description: string
  readonly #bodyPart: string
  readonly #study = newUid()
  readonly #series = new Map<number, { uid: string; objects: string[]; sopClass: string }>()

  constructor(folder: string, patient: DemoPatient, bodyPart: string) {
    this.#folder = folder
    this.#patient = patient
    this.#bodyPart = bodyPart
    this.#description = `MR ${bodyPart.toLowerCase()}`
    this.uids.push({ what: 'StudyInstanceUID', value: this.#study })
  }

  firstOf(seriesNumber: number) {
    const { uid = '', objects = [], sopClass = '' } = this.#series.get(seriesNumber) ?? {}
    return {
      SeriesInstanceUID: uid,
      reference: {
        ReferencedSOPClassUID: sopClass,
        ReferencedSOPInstanceUID: objects[0] ?? '',
      },
    }
  }

  async add({ attributes, ...facts }: Object): Promise<void> {
    const SOPInstanceUID = newUid()
    const { SOPClassUID } = attributes
    let series = this.#series.get(facts.SeriesNumber)
    if (series === undefined) {
      series = { uid: newUid(), objects: [], sopClass: SOPClassUID }
      this.#series.set(facts.SeriesNumber, series)
      this.uids.push({ what: 'SeriesInstanceUID', value: series.uid })
    }
    series.objects.push(SOPInstanceUID)
    this.uids.push({ what: 'SOPInstanceUID', value: SOPInstanceUID })
    const all: Attributes = {
      ...this.#patient.attributes,
      ...attributes,
      ...facts,
      SOPInstanceUID,
      StudyInstanceUID: this.#study,
      SeriesInstanceUID: series.uid,
      StudyDescription: this.#description,
      StudyID: '1',
      BodyPartExamined: this.#bodyPart,
      StudyDate: '20260402',
      StudyTime: '095500',
      SeriesDate: '20260402',
      SeriesTime: '100000',
      ContentDate: '20260402',
      ContentTime: '100500',
      InstanceNumber: series.objects.length,
      Manufacturer: 'FIONA demonstration',
    }
    await this.#write(all, { SOPClassUID, SOPInstanceUID })
  }

  async #write(
    attributes: Attributes,
    identity: { readonly SOPClassUID: string; readonly SOPInstanceUID: string },
  ): Promise<void> {
    const elements = elementsOf(attributes, this.#patient.characterSets)
    const encoding = { littleEndian: true, explicitVR: true }
    const dataSet = [...encodeDataSet(elements, encoding)].filter((part) => Buffer.isBuffer(part))
    const meta = encodeFileMeta({
      MediaStorageSOPClassUID: identity.SOPClassUID,
      MediaStorageSOPInstanceUID: identity.SOPInstanceUID,
      TransferSyntaxUID: TransferSyntax.ExplicitVRLittleEndian,
    })
    const path = join(this.#folder, `${identity.SOPInstanceUID}.dcm`)
    await writeFile(path, Buffer.concat([meta, ...dataSet]))
    this.files.push({ path, StudyInstanceUID: this.#study })
  }
}
