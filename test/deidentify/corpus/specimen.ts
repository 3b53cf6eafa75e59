import { type TestElement, dataSetBytes, el, syntax } from '../../fixtures/dicom-writer.ts'
import { type Secret } from './find-leaks.ts'
import { forbidden, ofPerson } from '../planted.ts'

/** An object with identity in it. What of all secrets is in `object` is what must not come out. */
export interface Specimen {
  readonly name: string
  readonly object: Buffer
  /** `gone`: it goes out without them. `held`: nobody can clean it alone, and nothing goes out. */
  readonly expect: 'gone' | 'held'
}

export const storage = '1.2.840.10008.5.1.4.1.1.'

/** A surname that nothing else in the object tells: only a rule can remove it, no search finds it. */
export const stranger = 'Vexqolith'

/** What is nowhere but where it was planted. */
export const secrets: readonly Secret[] = [
  stranger,
  'Ödenwaldt',
  'Смирновская',
  'Παπαδοπουλ',
  'ヤマダタロウ',
  '張偉明',
  Buffer.from('d5c5ce b0c3f7'.replace(' ', ''), 'hex'),
  ...forbidden.map(({ bytes }) => bytes),
]

export const reference = [
  el(0x00081150, 'UI', `${storage}2`),
  el(0x00081155, 'UI', '1.2.826.0.1.77665544.7'),
] satisfies TestElement[]

export const code = (meaning: string): TestElement[] => [
  el(0x00080100, 'SH', '1'),
  el(0x00080102, 'SH', 'DCM'),
  el(0x00080104, 'LO', meaning),
]

/** An object of another class than CT, without pixels. */
export function withoutPixels(sopClass: string, elements: readonly TestElement[]): Buffer {
  return ofPerson({
    without: [0x7fe00010],
    elements: [el(0x00080016, 'UI', `${storage}${sopClass}`), ...elements],
  })
}

export function ofClass(sopClass: string, elements: readonly TestElement[]): Buffer {
  return ofPerson({ elements: [el(0x00080016, 'UI', `${storage}${sopClass}`), ...elements] })
}

/** An item as it stands in a UN: implicit VR little endian (PS3.5 6.2.2). */
export function unItem(elements: readonly TestElement[]): Buffer {
  const content = dataSetBytes(elements, { explicitVR: false })
  const header = Buffer.from('feff00e000000000', 'hex')
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, content])
}

export { syntax }
