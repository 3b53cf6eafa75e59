import { bytesPerUnit } from '../../dicom/index.ts'

/** What stands for a removed text where one must stand. */
export const dummyText = 'ANONYMIZED'

/** Two for each VR, so that one is always there that the input was not. Valid by PS3.5 6.2. */
const texts: Readonly<Record<string, readonly [string, string]>> = {
  AE: ['ANONYMIZED', 'REMOVED'],
  AS: ['000Y', '001Y'],
  CS: ['ANONYMIZED', 'REMOVED'],
  DA: ['19000101', '19000102'],
  DS: ['0', '1'],
  DT: ['19000101000000', '19000102000000'],
  IS: ['0', '1'],
  TM: ['000000', '000001'],
  UR: ['urn:anonymized', 'urn:removed'],
}

/** A value that fits the VR and is not `original`. Not for UI and SQ, which depend on what was there. */
export function dummyValue(vr: string, original: Buffer): Buffer {
  const candidates = texts[vr]
  const known = original.toString('latin1').trim()
  const differing = (values: readonly [string, string]) =>
    Buffer.from(known.toUpperCase() === values[0].toUpperCase() ? values[1] : values[0], 'latin1')
  if (candidates !== undefined) return differing(candidates)
  if (isFreeText(vr)) return differing([dummyText, 'REMOVED'])
  // One number, which is even bytes; a tag is two.
  return Buffer.alloc(vr === 'AT' ? 4 : Math.max(2, bytesPerUnit(vr)))
}

function isFreeText(vr: string): boolean {
  return 'LO LT PN SH ST UC UT'.split(' ').includes(vr)
}

/** Every text that de-identification itself may write: no search may take it for the patient's. */
export const ownTexts: ReadonlySet<string> = new Set([
  ...Object.values(texts).flat(),
  dummyText,
  'REMOVED',
])
